diffc nll --help
#> usage: diffc nll IMAGE... | --data PATH [options]
#>
#> Score images under a model, in bits per dimension.
#>
#>   diffc nll data/boot.png
#>   diffc nll -m runs/demo --data /usr/share/datasets/fashion-mnist --count 1000
#>
#> Model:
#>   -m, --model PATH        run folder, model folder in the layout of diffusers,
#>                           or a checkpoint of a run,
#>                           RUN/checkpoints/step-N.safetensors (default: the
#>                           newest run under runs/)
#>       --weights KIND      the moving average, or the weights that training
#>                           reached last: of a checkpoint, of a run's newest one,
#>                           or of unet beside unet_ema (average, last; default:
#>                           average)
#>       --label CLASS       class under which the images are scored, by name or
#>                           number, for models with classes (default: with --data
#>                           each image's own; else none where the model can do
#>                           without)
#>
#> Protocol:
#>       --protocol NAME     what is computed, see below; numbers of different
#>                           protocols do not compare (bound, ode, exact; default:
#>                           by the method)
#>       --steps N           bound: of the chain of so many of a ddpm or cdm
#>                           model's steps (2 to 1000000; default: all)
#>       --spacing KIND      bound: which steps these are: even, leading, trailing,
#>                           quadratic, or dp, the best ones for the model's errors
#>                           on training images (even, leading, trailing,
#>                           quadratic, uniform, logsnr, karras, auto, dp; default:
#>                           even)
#>       --exact             bound: sum all terms, with a few more calls than the
#>                           model has steps
#>       --variance KIND     bound: variance of the model's steps; fitted measures
#>                           on training images what makes the bound smallest
#>                           (small, large, learned, fitted; default: the model's)
#>       --fit-data PATH     bound: where the images for --variance fitted and
#>                           --spacing dp are (default: the run's training data)
#>       --fit-count N       bound: how many of them are measured (1 to 100000;
#>                           default: 32)
#>       --per-step FILE     bound: the terms of all steps as a table (CSV); asks
#>                           for --exact
#>       --dequant-by KIND   ode: noise that is added to the pixels, because ode
#>                           scores a density: uniform over one level of grey; or
#>                           normal, the model's least noise, cut to what rounds to
#>                           the same image, which takes fewer bits where it is
#>                           narrower (uniform, normal; default: uniform)
#>       --level T           exact: noise level at which the density is taken, 0
#>                           for the clean image; above 0 noise of that level is
#>                           drawn and added, and the figure is of the noisy image;
#>                           up to the number of steps + 1, noise alone (0 to
#>                           1000000; default: 0)
#>       --calls N           bound: network calls per image, from which the sum of
#>                           all terms is estimated without bias (4 to 1000000;
#>                           default: 100)
#>       --clip, --no-clip   bound: keep the predicted image within [-1, 1]
#>                           (default: yes)
#>       --probes N          ode: directions that estimate the trace of the
#>                           Jacobian (1 to 1000; default: 1)
#>       --dequant N         ode, exact: draws of the noise that --dequant-by names
#>                           (exact: of uniform noise, or above --level 0 of that
#>                           level's noise), each scored on its own; two or more
#>                           give a standard error (1 to 1000; default: by the
#>                           protocol, 1 or 4)
#>       --tolerance X       ode: error allowed in each step, relative and absolute
#>                           (1e-12 to 0.1; default: 3e-7)
#>       --call-limit N      ode: network calls that one solve may take (8 to
#>                           1000000000; default: 10000)
#>
#> Images:
#>       --data PATH         score a data set (IDX, CIFAR-10) or a folder of images
#>                           and give the mean
#>       --part NAME         part of the data set (train, test; default: test,
#>                           where there is one)
#>   -n, --count N           images of the data set: of IDX and CIFAR-10 the first,
#>                           of a folder evenly (1 to 1000000000; default: all)
#>       --resize            make images of another size or another number of
#>                           channels fit
#>       --seed N            seed of all draws; an image's figures depend on it and
#>                           on the image alone (default: 0)
#>   -b, --batch N           images scored together (1 to 65536; default: by the
#>                           protocol, 4 or 16)
#>       --csv FILE          the figures of all images as a table
#>
#> General:
#>       --threads N         threads; the results do not depend on it (1 to 256;
#>                           default: OMP_NUM_THREADS, or one per CPU that diffc
#>                           may use; one per core, where a second CPU of the core
#>                           adds nothing (--version shows it))
#>       --json              results as one JSON object a line
#>   -q, --quiet             no narration and no progress
#>   -h, --help              this text
#>
#> Fewer bits are more likely; 8 bits per dimension are what an unpacked image
#> takes. A dimension is one channel of one pixel. The standard error of an image
#> is that of its random draws; that of a data set is over its images. Of images
#> named one by one those that can be scored are, also where others fail; the exit
#> code then says so. Where a table goes to stdout, the lines of the results are
#> left out.
#>
#> Protocols:
#>   bound         variational bound of the chain of steps: an upper bound of -log2
#>                 P of the image as it stands (ddpm, smld, eddpm, cdm; default for
#>                 ddpm and eddpm)
#>   ode           density of the probability flow at the image plus noise
#>                 (--dequant-by): on average an upper bound of -log2 P too (every
#>                 method; default for smld and sde)
#>   exact         density that the model itself gives, in one network call, at the
#>                 image plus uniform noise of one grey level, or with --level at
#>                 the image plus that level's noise: a learnt ratio, not a bound;
#>                 at the last level, noise alone, the standard normal density
#>                 (cdm, where it is the default)
