diffc restore --help
#> usage: diffc restore IMAGE [options]
#>
#> Fill in what is missing from an image with a trained model.
#>
#>   diffc restore data/boot.png --mask data/boot-mask.png --out restored.png
#>   diffc restore data/boot.png -m runs/demo --scale 4 --count 6
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
#>       --size N|HxW        height and width of the images (default: the model's
#>                           own)
#>       --label CLASS       class of every image, by name or number, for models
#>                           with classes (default: by the seed among the classes
#>                           that had training images; for --from, --between and
#>                           restore none where the model can do without)
#>
#> Sampler:
#>       --sampler NAME      see below (ddpm, ddim, heun, dpm++2m, unipc, ode,
#>                           ancestral, langevin, plain-langevin, reverse-sde, pc;
#>                           default: the run's)
#>   -s, --steps N           network calls per image, as near below as the sampler
#>                           can (1 to 1000000; default: the run's)
#>       --spacing KIND      where the steps lie; the first four take trained steps
#>                           only, and dp those with the smallest bound for the
#>                           model's errors on training images (even, leading,
#>                           trailing, quadratic, uniform, logsnr, karras, auto,
#>                           dp; default: the run's)
#>       --fit-data PATH     where the images for --spacing dp are (default: the
#>                           run's training data)
#>       --eta X             ddim: fresh noise per step; 0 none, 1 as much as ddpm
#>                           (0 to 1; default: the run's)
#>       --variance KIND     ddpm: variance of a step; learned where the model has
#>                           learnt it (small, large, learned; default: the run's)
#>       --snr X             pc: signal to noise of the Langevin corrector (1e-06
#>                           to 10; default: the run's)
#>       --corrector N       pc: Langevin steps before each predictor step; 0 none
#>                           (0 to 1000; default: the run's)
#>       --predictor KIND    pc: the step between levels (reverse-diffusion,
#>                           ancestral, none; default: the run's)
#>       --langevin-steps N  langevin: steps at each level (1 to 10000; default:
#>                           the run's)
#>       --langevin-step X   langevin: size of a step at the smallest level; by
#>                           default computed from the levels (0 to 1000000;
#>                           default: the run's)
#>       --churn X           heun: fresh noise (S_churn); 0 none (0 to 1000000;
#>                           default: the run's)
#>       --tolerance X       ode: error allowed, relative and absolute (1e-12 to 1;
#>                           default: the run's)
#>       --call-limit N      ode: network calls an image may take (1 to 1000000;
#>                           default: the run's)
#>       --guidance X        how much the class counts (classifier-free guidance):
#>                           1 as learnt, more draws what is typical of it, 0
#>                           leaves it out; needs a model trained with
#>                           train.label_dropout, and doubles the work (0 to 100;
#>                           default: the run's)
#>       --guidance-low X    guidance only where sigma / alpha, noise over signal,
#>                           is above this; elsewhere it is 1 (0 to 1000000000;
#>                           default: the run's)
#>       --guidance-high X   and at most this; by default without end (0 to
#>                           1000000000; default: the run's)
#>       --clip, --no-clip   keep the predicted image within [-1, 1] at every step
#>                           (not of ancestral and langevin) (default: the run's)
#>
#> Images:
#>   -n, --count N           images to make (1 to 10000000; default: 4)
#>       --seed N            seed of the first image; image k has seed N + k and is
#>                           the same image whatever the batch, the count and the
#>                           threads (default: the run's)
#>   -b, --batch N           images made together (1 to 65536; default: what suits
#>                           the cache)
#>   -o, --out FILE          one PNG picture: what is known, the whole image where
#>                           it is given, then the restored ones (default: the
#>                           image's name with -restored-1, or the next free
#>                           number, when nothing else is asked for)
#>       --out-dir DIR       one PNG file per restored image, named by its seed:
#>                           000007.png
#>       --resize            make images of another size or another number of
#>                           channels fit
#>
#> What is known:
#>       --mask MASK.png     the pixels where a picture of the model's size (with
#>                           --resize, of the image's) is black; where it is white
#>                           they are filled in
#>       --grey              the mean of each pixel's colours; IMAGE can be grey
#>                           itself
#>       --scale N           the means of blocks of N x N pixels; IMAGE can have
#>                           one pixel a block (2 to 8192)
#>       --sigma X           what is known has noise of this standard deviation, in
#>                           levels of grey (of 256); alone: all pixels are known
#>                           with it (0 to 1000000; default: 0)
#>       --by KIND           gradient: the network's gradient pulls the image to
#>                           what is known (three times the work, with --guidance
#>                           four times); replace: what is known is put in at each
#>                           noise level (gradient, replace; default: gradient)
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
#> IMAGE has the size of the model's images. What is known of it is kept, and the
#> rest is drawn anew for each seed, by any sampler. By gradient (Song et al. 2023)
#> the noise that the network predicts is corrected by the gradient of how well its
#> image agrees with what is known, so that both parts fit together; replacing
#> (Song et al. 2021) is faster and fits less well. Without noise (--sigma) what is
#> known is put back exactly at the end; the report says how far it had been
#> missed.
#>
#> Samplers:
#>   ddpm          ancestral sampling (Ho et al. 2020), on all timesteps or some of
#>                 them
#>   ddim          from deterministic (eta 0) to ancestral (eta 1), for few steps
#>                 (Song et al. 2021)
#>   heun          second order in the noise, two calls a step, with churn (Karras
#>                 et al. 2022)
#>   dpm++2m       DPM-Solver++, second order from the last two predictions (Lu et
#>                 al. 2022)
#>   unipc         second-order predictor and corrector, one call a step (Zhao et
#>                 al. 2023)
#>   ode           probability flow to a given tolerance, each image with its own
#>                 steps (Song et al. 2021)
#>   ancestral     the Markov chain of SMLD: ddpm of small variance, never clipped
#>                 (Song et al. 2021)
#>   langevin      annealed Langevin dynamics, level by level, then denoised (Song
#>                 & Ermon 2020)
#>   plain-langevin
#>                 Langevin dynamics at the smallest level alone, to show why the
#>                 others anneal
#>   reverse-sde   Euler-Maruyama on the reverse SDE (Song et al. 2021)
#>   pc            predictor-corrector: Langevin steps, then a step down (Song et
#>                 al. 2021)
