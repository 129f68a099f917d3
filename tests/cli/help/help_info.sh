diffc info --help
#> usage: diffc info PATH [options]
#>
#> Tell what a run, a model, a configuration or a tensor file is.
#>
#>   diffc info runs/demo
#>   diffc info configs/fashion-ddpm.json --json
#>
#> General:
#>       --layers            also list the network's operations
#>       --json              results as one JSON object a line
#>   -h, --help              this text
#>
#> A configuration is resolved and its data are read, as train --dry-run does; data
#> that are not there are done without where data.size and data.channels are given.
