diffc sample --help
#> usage: diffc sample [options]
#>
#> Make images with a trained model.
#>
#>   diffc sample --out grid.png
#>   diffc sample -m runs/demo --sampler ddim --steps 50 --out-dir images
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
#>   -n, --count N           images to make (1 to 10000000; default: the run's)
#>       --seed N            seed of the first image; image k has seed N + k and is
#>                           the same image whatever the batch, the count and the
#>                           threads (default: the run's)
#>   -b, --batch N           images made together (1 to 65536; default: what suits
#>                           the cache)
#>       --per-class N       make so many images of each class that had training
#>                           images; the picture has a row for each class (1 to
#>                           10000000)
#>   -o, --out FILE          one PNG picture of all images; of points a scatter
#>                           plot (default: the run's name and the next free
#>                           number, NAME-1.png, when nothing else is asked for)
#>       --out-dir DIR       one PNG file per image, named by its seed: 000007.png
#>       --npz FILE          all images as bytes arr_0 [N,H,W,C], for evaluation
#>                           programs; of models with classes also their labels
#>                           arr_1 [N]
#>       --csv FILE          of models of points: a table x,y
#>       --continue          finish an --out-dir or --npz that was interrupted or
#>                           killed; the files are the same as without the
#>                           interruption
#>
#> Watching:
#>       --film FILE         PNG picture of how each image forms: its row shows
#>                           what the network takes the finished image to be, at
#>                           even calls, and the image itself
#>       --frames DIR        the same of all images together, one picture a call:
#>                           frame-0001.png and so on, see below
#>       --moments N         calls that --film and --frames show, at most those
#>                           there are (1 to 9999; default: 10 in a film, at most
#>                           120 frames)
#>       --show              draw the picture of all images in the terminal too
#>
#> Start:
#>       --from IMAGE        begin with this image, noised, instead of noise alone
#>       --strength X        with --from: how much of the noise process is added
#>                           and taken off again, 1 for all; the steps noisier than
#>                           that are left out (0 to 1; default: 0.5)
#>       --resize            with --from: make an image of another size or another
#>                           number of channels fit
#>       --between A B       --count images on the way from the image of seed A to
#>                           that of seed B; a model that cannot do without a class
#>                           needs --label
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
#> Files are written whole or not at all; a file that --out, --out-dir, --npz or
#> --csv names is replaced, with a note; a device or a pipe is written as it is.
#> What is finished of an --out-dir or --npz is noted in a file that ends in .part,
#> in the folder or beside the file, until all is done; with it the same command
#> and --continue goes on after an interruption. 'The run's' is what the
#> configuration of the run says under "sample"; a folder without one takes what
#> its scheduler file says of sampling, and else the defaults of the configuration.
#> Paths of written files go to stdout, unless a file goes there. The network calls
#> that are reported are those of one image, whatever the batch (ode: of the one
#> that took most). --film and --frames change no image; of ode, which takes each
#> image by steps of its own, they show the calls nearest to even angles atan(sigma
#> / alpha). Frames become a film with: ffmpeg -framerate 12 -i DIR/frame-%04d.png
#> -vf scale=2*iw:2*ih:flags=neighbor -pix_fmt yuv420p film.mp4. --show takes the
#> protocols of kitty and iTerm2 where the terminal announces them, and coloured
#> characters elsewhere; it shows nothing where the standard output is no terminal.
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
