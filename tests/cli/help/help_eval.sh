diffc eval --help
#> usage: diffc eval [MODEL|FOLDER|FILE.npz] [options]
#>
#> Compare images, or those that a model makes, with a data set.
#>
#>   diffc eval --sampler dpm++2m --steps 20 --count 500
#>   diffc eval images --data /usr/share/datasets/fashion-mnist --out nearest.png
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
#>   -n, --count N           images to make (1 to 10000000; default: of a model
#>                           1000, of a file or folder all)
#>       --seed N            seed of the first image; image k has seed N + k and is
#>                           the same image whatever the batch, the count and the
#>                           threads (default: the run's)
#>   -b, --batch N           images made together (1 to 65536; default: what suits
#>                           the cache)
#>
#> Comparison:
#>       --data PATH         data set (IDX, CIFAR-10) or folder of images that is
#>                           compared with (default: what the model's run was
#>                           trained on, less the images held out)
#>       --part NAME         part of the data set (train, test; default: train)
#>       --resize            make data of another size or another number of
#>                           channels fit
#>       --features FILE     safetensors file of the weights of pytorch-fid's
#>                           Inception v3 (see below): precision, recall, density
#>                           and coverage are computed in its features too, and FID
#>                           and KID
#>       --stats FILE.npz    instead of data: mean and covariance of a data set's
#>                           features, as --save-stats or pytorch-fid has saved
#>                           them; only FID is computed
#>       --save-stats FILE.npz
#>                           compare nothing: write mean and covariance of the
#>                           images' features, as pytorch-fid reads them
#>   -o, --out FILE          PNG picture of the images that come closest to images
#>                           of the data, each with the three nearest at its right
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
#> Without an argument the images are made by --model. They are compared with as
#> many images of the data. All figures depend on the number of images; so the
#> second column shows those of as many other images of the data, which is what
#> perfect images get. The sliced Wasserstein distance (Karras et al. 2018)
#> compares patches at each level of the Laplacian pyramid, which is halved while
#> the shorter side of the half is at least 12. Its standard error is that of the
#> jackknife over ten parts of the images; less is better. Patches and directions
#> are the same in every call. Precision is the share of the images that lie as
#> close to an image of the data as its third nearest neighbour does, recall the
#> share of the data that lie so close to one of the images (Kynkaanniemi et al.
#> 2019); density and coverage are those of Naeem et al. (2020). All four compare
#> pixels, which favours smooth images; with --features they are computed in the
#> features of Inception v3 as well, as the program pytorch-fid makes them, and so
#> are FID (Heusel et al. 2017; its standard error is that of the infinitesimal
#> jackknife) and KID (Binkowski et al. 2018; of up to 1000 images that of all, of
#> more the mean over 100 subsets of 1000; its standard error is that of the
#> jackknife over ten parts of the images). FID is biased upwards, the more so the
#> fewer images there are; KID is not. FID, --stats and --save-stats need LAPACK,
#> which OpenBLAS has; programs built with BLAS=none or BLIS lack it. The last
#> count is a sign of memorised images when it is well above that of the other
#> data. With --label only data of that class are compared. Training can measure
#> the sliced distance itself: train.eval_every.
#>
#> FILE of --features, made by Python from the weights that pytorch-fid publishes:
#>   import torch, safetensors.torch
#>   w = torch.load("pt_inception-2015-12-05-6726825d.pth", map_location="cpu")
#>   w = {name: tensor.contiguous() for name, tensor in w.items()}
#>   safetensors.torch.save_file(w, "inception.safetensors")
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
