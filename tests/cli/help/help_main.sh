diffc --help
#> diffc trains, samples and scores small diffusion models on a CPU.
#>
#> usage: diffc COMMAND [options]
#>
#>   diffc train configs/fashion-ddpm.json
#>   diffc sample --out grid.png
#>   diffc nll data/boot.png
#>
#> Commands:
#>   train     Train a model on images
#>   sample    Make images with a trained model
#>   nll       Score images under a model, in bits per dimension
#>   denoise   Remove the noise from an image with a trained model
#>   restore   Fill in what is missing from an image with a trained model
#>   eval      Compare images, or those that a model makes, with a data set
#>   info      Describe a run, a model, a configuration or a tensor file
#>   report    Show how trainings went, as one HTML file
#>   bench     Measure the speed of training and sampling
#>   help      'diffc help COMMAND' is 'diffc COMMAND --help'
#>
#> Options:
#>   -h, --help     this text
#>       --version  the version, and what it runs on
#>
#> Results go to stdout, everything else to stderr. --json makes stdout one JSON
#> object a line. NO_COLOR is respected; DIFFC_CPU=plain|avx2|avx512|blas chooses
#> the instruction set, or products by a BLAS.
#>
#> Exit codes:
#>     0  done
#>     1  a file, a format or memory failed
#>     2  the command line or the configuration is wrong
#>     3  a loss, a gradient or a sample is not finite
#>   130  interrupted (a training is saved first)
