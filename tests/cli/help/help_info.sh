diffc info --help
#> usage: diffc info PATH [options]
#>
#> Describe a run, a model, a configuration or a tensor file.
#>
#>   diffc info runs/demo
#>   diffc info configs/fashion-ddpm.json --json
#>
#> Model:
#>       --weights KIND      the moving average, or the weights that training
#>                           reached last: of a checkpoint, of a run's newest one,
#>                           or of unet beside unet_ema (average, last; default:
#>                           average)
#>
#> General:
#>       --layers            also list the network's operations
#>       --json              results as one JSON object a line
#>   -h, --help              this text
#>
#> A configuration is resolved and its data are read, as train --dry-run does;
#> missing data are no error where data.size and data.channels are given.
