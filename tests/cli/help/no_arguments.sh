diffc
#exit 2
#2> diffc trains, samples and scores small diffusion models on a CPU.
#2>
#2> usage: diffc COMMAND [options]
#2>
#2>   diffc train configs/fashion-ddpm.json
#2>   diffc sample --out grid.png
#2>   diffc nll data/boot.png
#2>
#2> Commands:
#2>   train     Train a model on images
#2>   sample    Make images with a trained model
#2>   nll       Score images under a model, in bits per dimension
#2>   denoise   Remove the noise from an image with a trained model
#2>   restore   Fill in what is missing from an image with a trained model
#2>   eval      Compare images, or those that a model makes, with a data set
#2>   info      Describe a run, a model, a configuration or a tensor file
#2>   report    Show how trainings went, as one HTML file
#2>   bench     Measure the speed of training and sampling
#2>   help      'diffc help COMMAND' is 'diffc COMMAND --help'
#2>
#2> Options:
#2>   -h, --help     this text
#2>       --version  the version, and what it runs on
#2>
#2> Results go to stdout, everything else to stderr. --json makes stdout one JSON
#2> object a line. NO_COLOR is respected; DIFFC_CPU=plain|avx2|avx512|blas chooses
#2> the instruction set, or products by a BLAS.
#2>
#2> Exit codes:
#2>     0  done
#2>     1  a file, a format or memory failed
#2>     2  the command line or the configuration is wrong
#2>     3  a loss, a gradient or a sample is not finite
#2>   130  interrupted (a training is saved first)
