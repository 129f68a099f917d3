diffc train --help
#> usage: diffc train [CONFIG.json | DATA] [options]
#>
#> Train a model on images.
#>
#>   diffc train pictures/
#>   diffc train configs/fashion-ddpm.json --out runs/mine --set train.lr=1e-4
#>
#> Run:
#>   -o, --out RUN           folder of the run (default: runs/ and the name of
#>                           CONFIG.json or DATA, with a number when taken)
#>       --resume            continue a run from its newest checkpoint: that of
#>                           --out, else the newest of CONFIG.json's name, or of
#>                           DATA's name and on DATA, else the newest under runs/.
#>                           Without CONFIG.json the run's own configuration is
#>                           taken. Keys of model and method, train.seed and the
#>                           data must be the run's own (the path may differ);
#>                           changes of other keys are applied and listed
#>       --init MODEL        run or model folder whose weights the run starts from;
#>                           its network and noise must be those of the
#>                           configuration (default: the configuration's
#>                           train.init)
#>       --cache DIR         where a file of the decoded images of a folder is
#>                           kept, from which later runs start at once; off:
#>                           nowhere, auto: beside the run, where they are many
#>                           (default: the configuration's data.cache)
#>       --dry-run           print the resolved configuration, the size of the
#>                           network and the memory, and stop; of DATA the
#>                           configuration alone goes to stdout, as CONFIG.json
#>                           takes it
#>
#> DATA:
#>       --size N            height and width of the images that are learnt and
#>                           made (1 to 8192; default: by the pictures and the
#>                           speed)
#>       --classes           the folders inside DATA, or the labels of its files,
#>                           are classes; each can then be drawn on demand
#>       --effort KIND       width and depth of the network, and 2, 10 or 60
#>                           minutes of training (small, medium, large; default:
#>                           medium)
#>
#> Settings:
#>       --set KEY=VALUE ... change a key of the configuration, such as
#>                           train.lr=1e-4; wins over the file and the options
#>                           below
#>       --steps N           stop after N updates in all, whatever train.minutes
#>                           says (1 to 1000000000000; default: the configuration's
#>                           limits)
#>       --minutes M         stop after M minutes of training in all, whatever
#>                           train.steps says; with --steps at what comes first
#>                           (0.01 to 10000000; default: the configuration's
#>                           limits)
#>       --seed N            train.seed: weights, order, noise (default: the
#>                           configuration's)
#>
#> General:
#>       --show              draw the sample grid of each checkpoint in the
#>                           terminal (where stderr is one), as sample --show does
#>       --threads N         threads; the results do not depend on it (1 to 256;
#>                           default: OMP_NUM_THREADS, or one per CPU that diffc
#>                           may use; one per core, where a second CPU of the core
#>                           adds nothing (--version shows it))
#>       --json              results as one JSON object a line
#>   -q, --quiet             no narration and no progress
#>   -h, --help              this text
#>
#> DATA is a folder of PNG and JPEG pictures, or a file or folder of IDX or
#> CIFAR-10: what is not given is chosen from the pictures and from the speed of
#> this machine, measured in a second or two, and said. Ctrl-C (SIGINT, SIGTERM,
#> SIGHUP) finishes the step, saves and exits with 130; a second one ends at once,
#> unsaved. --resume continues to the same bits. The run folder holds the resolved
#> configuration, the model (averaged weights), checkpoints, stats.jsonl and sample
#> pictures. The name of the run goes to stdout at the end; with --json, every line
#> of stats.jsonl does.
#>
#> Keys of the configuration (sections data, model, method, train, sample):
#>   data.path                 file or folder of images (IDX, CIFAR-10 binary, PNG,
#>                             JPEG); default "" (a string of at most 1023 bytes)
#>   data.kind                 kind of data; auto looks at the content; default
#>                             "auto" ("auto", "idx", "cifar10" or "folder")
#>   data.toy                  points in the plane, made by formula; data.path is
#>                             then empty; default "none" ("none", "two-modes",
#>                             "ring", "swiss-roll" or "checkerboard")
#>   data.size                 image size, N or [height, width]: images are resized
#>                             to cover it and cropped in the middle; 0: as stored;
#>                             default 0 (0, an integer in 1..8192 or [height,
#>                             width])
#>   data.channels             1: grey, 3: colour, 2 and 4: these with alpha; 0: as
#>                             stored, alpha blended over black; default 0 (an
#>                             integer in 0..4)
#>   data.flip                 mirror training images at random; default false
#>                             (true or false)
#>   data.limit                use only this many images, of folders from all over;
#>                             0: all; default 0 (an integer in 0..1000000000)
#>   data.validation           images held out from training; auto: 1000, at most a
#>                             tenth of them; default "auto" ("auto" or an integer
#>                             in 0..1000000000)
#>   data.class_names          names of the classes of IDX and CIFAR-10 files, in
#>                             the order of their labels: a text file with one on
#>                             each line, or a list with commas between; without it
#>                             class_names.txt beside an IDX file and CIFAR's
#>                             batches.meta.txt; a folder's classes have the names
#>                             of its folders; default "" (a string of at most 1023
#>                             bytes)
#>   data.skip_bad             folders: leave out images that cannot be read, and
#>                             list them; default false (true or false)
#>   data.cache                folders: where a file of the decoded images is kept,
#>                             from which later runs start at once: a folder; off:
#>                             nowhere, all images are held in memory; auto: beside
#>                             the run, where they have more than 256 MiB, decoded
#>                             or as files; default "auto" (a string of at most
#>                             1023 bytes)
#>   model.type                the network; auto: mlp for toys, unet for images;
#>                             default "auto" ("unet", "mlp" or "auto")
#>   model.width               mlp: units of a hidden layer; default 128 (an
#>                             integer in 1..4096)
#>   model.layers              mlp: hidden layers; default 3 (an integer in 1..64)
#>   model.channels            unet: channels of the first level; default 32 (an
#>                             integer in 1..16384)
#>   model.multipliers         channels of each level, in units of model.channels;
#>                             default [1, 2, 2] (a list of 1 to 8 integers in
#>                             1..64)
#>   model.blocks              residual blocks per level; default 1 (an integer in
#>                             1..12)
#>   model.attention           image heights that get attention; default [] (a list
#>                             of 0 to 8 integers in 1..8192)
#>   model.mid_attention       attention in the middle of the network; default true
#>                             (true or false)
#>   model.head_dim            channels per attention head; 0: one head; default 0
#>                             (an integer in 0..16384)
#>   model.groups              groups of the normalisation; 0: min(32, channels /
#>                             4); default 0 (an integer in 0..16384)
#>   model.eps                 added to the variance in the normalisation; default
#>                             1e-6 (a number above 0 and below 1)
#>   model.dropout             dropout inside the residual blocks; default 0 (a
#>                             number of at least 0 and below 1)
#>   model.time                features of the noise level; auto: positional for
#>                             ddpm, eddpm, vp and subvp, else fourier; default
#>                             "auto" ("auto", "positional" or "fourier")
#>   model.fourier_scale       spread of the fourier frequencies; auto: 16 for
#>                             unet, 0.25 for mlp; default "auto" ("auto" or a
#>                             number above 0 and at most 1000)
#>   model.flip_sin_to_cos     cosines before sines in the time features; default
#>                             false (true or false)
#>   model.freq_shift          shift of the highest time frequency; default 1 (a
#>                             number in 0..8192)
#>   model.downsample_padding  0: pad right and bottom only; 1: all round; default
#>                             0 (an integer in 0..1)
#>   model.scale_shift         time scales and shifts instead of only shifting;
#>                             default false (true or false)
#>   model.input_fourier       unet: for each n given, sin and cos of 2^n pi x
#>                             beside the image, to see levels of grey; default []
#>                             (a list of 0 to 8 integers in 0..12)
#>   model.class_conditional   the class label is an input; default false (true or
#>                             false)
#>   model.zero_init           last convolution of each block starts at zero;
#>                             default true (true or false)
#>   model.classifier_channels cdm: channels of the head that classifies noise
#>                             levels; 0: 2 * channels; default 0 (an integer in
#>                             0..16384)
#>   method.type               what is learnt; default "ddpm" ("ddpm", "eddpm",
#>                             "cdm", "smld" or "sde")
#>   method.steps              ddpm, eddpm, cdm: noise levels T; default 1000 (an
#>                             integer in 1..100000)
#>   method.schedule           ddpm, eddpm, cdm: how the noise grows; unif is cdm's
#>                             alone; default "linear" ("linear", "scaled_linear",
#>                             "cosine", "betas", "logsnr" or "unif")
#>   method.beta_start         ddpm, eddpm, cdm: first beta of linear and
#>                             scaled_linear; default 1e-4 (a number above 0 and
#>                             below 1)
#>   method.beta_end           ddpm, eddpm, cdm: last beta of linear and
#>                             scaled_linear; default 0.02 (a number above 0 and
#>                             below 1)
#>   method.betas              ddpm, eddpm, cdm: the betas of schedule "betas";
#>                             default [] (a list of 0 to 100000 numbers above 0
#>                             and below 1)
#>   method.logsnr_start       ddpm, eddpm, cdm: first ln(alpha^2 / sigma^2) of
#>                             schedule "logsnr"; default 13.3 (a number in
#>                             -20..20)
#>   method.logsnr_end         ddpm, eddpm, cdm: last ln(alpha^2 / sigma^2) of
#>                             schedule "logsnr"; default -8 (a number in -20..20)
#>   method.prediction         ddpm, eddpm, smld, sde: what the network gives:
#>                             noise, image, v or score; auto: score for smld and
#>                             sde ve, else noise; default "auto" ("auto", "eps",
#>                             "x0", "v" or "score")
#>   method.min_snr_gamma      ddpm, eddpm: Min-SNR weight of the loss; 0: off;
#>                             default 0 (a number in 0..1000000)
#>   method.learn_variance     ddpm: the network also gives the variance of each
#>                             value's step (LEARNED_RANGE); default false (true or
#>                             false)
#>   method.vlb_weight         ddpm: with learn_variance: weight of the bound, bits
#>                             per dimension of all steps, beside the simple loss;
#>                             default 0.001 (a number above 0 and at most 1000)
#>   method.sde                sde: variance exploding, variance preserving or
#>                             sub-VP; default "vp" ("ve", "vp" or "subvp")
#>   method.sigma_min          smld, sde ve: smallest noise; default 0.01 (a number
#>                             above 0 and at most 1000000)
#>   method.sigma_max          smld, sde ve: largest noise; auto: largest distance
#>                             between two images, or a lower bound of it; default
#>                             "auto" ("auto" or a number above 0 and at most
#>                             1000000)
#>   method.levels             smld: noise levels; auto: by the rule of the ratio;
#>                             default "auto" ("auto" or an integer in 2..100000)
#>   method.beta_min           sde vp, sde subvp: beta at time 0; default 0.1 (a
#>                             number above 0 and at most 1000)
#>   method.beta_max           sde vp, sde subvp: beta at time 1; default 20 (a
#>                             number above 0 and at most 1000)
#>   method.time_min           sde: smallest time that is trained; default 1e-5 (a
#>                             number above 0 and at most 0.1)
#>   method.weighting          sde: weight of a time in the loss; default "simple"
#>                             ("simple" or "likelihood")
#>   method.objective          smld, sde ve: how the score is learnt; images need
#>                             denoising; default "denoising" ("denoising", "exact"
#>                             or "sliced")
#>   method.slices             smld, sde ve: projections of each point for the
#>                             objective sliced; default 1 (an integer in 1..1000)
#>   method.times              ddpm, cdm, smld, sde: levels of a batch: drawn each
#>                             on its own, or spread evenly (less noise in the
#>                             gradient); default "independent" ("independent" or
#>                             "even")
#>   method.keep               eddpm: steps K that are kept in the end; default 50
#>                             (an integer in 1..100000)
#>   method.recipe             eddpm: how the steps are learnt: tuned, as works
#>                             best here; paper, by the paper's algorithm to the
#>                             letter; default "tuned" ("tuned" or "paper")
#>   method.alphas             eddpm: noise of kept steps: with that of the skipped
#>                             ones below, without it, or all in proportion; auto:
#>                             merged for the recipe tuned, literal for paper;
#>                             default "auto" ("auto", "merged", "literal" or
#>                             "rescaled")
#>   method.ce_weight          cdm: weight of the cross-entropy of the noise level;
#>                             default 0.001 (a number in 0..1000000)
#>   method.mse_weight         cdm: weight of the squared error of the noise;
#>                             default 1 (a number in 0..1000000)
#>   method.dequantise         cdm: train clean images with uniform noise of one
#>                             grey level; false: as they are, as published;
#>                             default true (true or false)
#>   train.init                run or model folder whose weights the run starts
#>                             from; default "" (a string of at most 1023 bytes)
#>   train.steps               updates; 0: no limit, train.minutes decides; default
#>                             10000 (an integer in 0..1000000000000)
#>   train.minutes             time limit; 0: none; default 0 (a number in
#>                             0..10000000)
#>   train.batch               images per gradient; default 64 (an integer in
#>                             1..4096)
#>   train.micro_batch         images per pass through the network; 0: chosen;
#>                             default 0 (an integer in 0..4096)
#>   train.accumulate          batches averaged before an update; default 1 (an
#>                             integer in 1..1024)
#>   train.label_dropout       class-conditional networks: share of the images that
#>                             are trained without their class, for
#>                             sample.guidance; 0.1 to 0.2 are usual; default 0 (a
#>                             number of at least 0 and below 1)
#>   train.optimizer           update rule; muon makes the updates of matrices
#>                             orthogonal, and the rest is adamw's; default "adam"
#>                             ("adam", "adamw" or "muon")
#>   train.lr                  learning rate; default 2e-4 (a number above 0 and at
#>                             most 10)
#>   train.beta1               decay of the first moment; default 0.9 (a number of
#>                             at least 0 and below 1)
#>   train.beta2               decay of the second moment; default 0.999 (a number
#>                             of at least 0 and below 1)
#>   train.eps                 added to the root of the second moment; default 1e-8
#>                             (a number above 0 and at most 1)
#>   train.weight_decay        weight decay; default 0 (a number in 0..10)
#>   train.warmup              updates over which the rate rises from 0; default
#>                             500 (an integer in 0..1000000000000)
#>   train.schedule            learning rate after warm-up; default "constant"
#>                             ("constant" or "cosine")
#>   train.clip                largest gradient norm; 0: off; default 1 (a number
#>                             in 0..1000000000)
#>   train.ema                 decay of the averaged weights; default 0.9999 (a
#>                             number of at least 0 and below 1)
#>   train.seed                of weights, order, noise; default 0 (an integer in
#>                             0..18446744073709551615 (a string when above
#>                             9007199254740991))
#>   train.log_every           updates between lines of the log; default 10 (an
#>                             integer in 1..1000000000000)
#>   train.checkpoint_every    updates between checkpoints; 0: only at the end;
#>                             default 1000 (an integer in 0..1000000000000)
#>   train.keep                checkpoints kept; default 2 (an integer in 1..10000)
#>   train.validate            held-out images scored at each checkpoint; 0: none;
#>                             default 256 (an integer in 0..1000000000)
#>   train.eval_every          updates between measurements of how far 256 samples
#>                             (dpm++2m, 20 network calls) are from the training
#>                             images: their sliced Wasserstein distance; 0: none;
#>                             default 0 (an integer in 0..1000000000000)
#>   sample.sampler            name of the sampler; auto: the method's own; default
#>                             "auto" (a string of at most 31 bytes)
#>   sample.steps              network calls where that is possible; 0: the
#>                             sampler's own number; default 0 (an integer in
#>                             0..100000)
#>   sample.count              images in a grid; default 64 (an integer in
#>                             1..1000000)
#>   sample.eta                ddim: fresh noise per step; 0 none, 1 as much as
#>                             ddpm; default 0 (a number in 0..1)
#>   sample.variance           ddpm: variance of a step; learned where the model
#>                             has learnt it; default "small" ("small" or "large")
#>   sample.snr                pc: signal to noise of the Langevin corrector;
#>                             default 0.16 (a number above 0 and at most 10)
#>   sample.corrector_steps    pc: Langevin steps before each predictor step; 0
#>                             none; default 1 (an integer in 0..1000)
#>   sample.predictor          pc: the step between levels; default
#>                             "reverse-diffusion" ("reverse-diffusion",
#>                             "ancestral" or "none")
#>   sample.langevin_steps     langevin: steps at each level; default 5 (an integer
#>                             in 1..10000)
#>   sample.langevin_step      langevin: size of a step at the smallest level; by
#>                             default computed from the levels; default "auto"
#>                             ("auto" or a number above 0 and at most 1000000)
#>   sample.churn              heun: fresh noise (S_churn); 0 none; default 0 (a
#>                             number in 0..1000000)
#>   sample.tolerance          ode: error allowed, relative and absolute; default
#>                             1e-4 (a number above 0 and at most 1)
#>   sample.call_limit         ode: network calls an image may take; default 1000
#>                             (an integer in 1..1000000)
#>   sample.guidance           how much the class counts (classifier-free
#>                             guidance): 1 as learnt, more draws what is typical
#>                             of it, 0 leaves it out; needs a model trained with
#>                             train.label_dropout, and doubles the work; default 1
#>                             (a number in 0..100)
#>   sample.guidance_low       guidance only where sigma / alpha, noise over
#>                             signal, is above this; elsewhere it is 1; default 0
#>                             (a number in 0..1000000000)
#>   sample.guidance_high      and at most this; by default without end; default
#>                             "auto" ("auto" or a number above 0 and at most
#>                             1000000000)
#>   sample.clip               keep the predicted image within [-1, 1] at every
#>                             step (not of ancestral and langevin); default true
#>                             (true or false)
#>   sample.spacing            which noise levels are visited; auto: what suits the
#>                             sampler; default "auto" ("even", "leading",
#>                             "trailing", "quadratic", "uniform", "logsnr",
#>                             "karras", "auto" or "dp")
#>   sample.seed               image k is made from seed + k; default 0 (an integer
#>                             in 0..18446744073709551615 (a string when above
#>                             9007199254740991))
#>   sample.batch              images per pass through the network; 0: chosen;
#>                             default 0 (an integer in 0..4096)
