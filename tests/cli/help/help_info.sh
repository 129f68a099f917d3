diffc info --help
#> usage: diffc info [PATH] [options]
#>
#> Describe a run, a model, a configuration or a tensor file.
#>
#>   diffc info runs/demo
#>   diffc info configs/fashion-ddpm.json --json
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
#>
#> General:
#>       --layers            also list the network's operations
#>       --csv               the log of a run (stats.jsonl) as comma-separated
#>                           values instead: one line for each of its objects, and
#>                           one for each element of their lists, such as the noise
#>                           levels of a validation
#>       --json              results as one JSON object a line
#>   -h, --help              this text
#>
#> Without PATH the newest run under runs/ is described. A configuration is
#> resolved and its data are read, as train --dry-run does; missing data are no
#> error where data.size and data.channels are given. --csv: the first line names
#> the columns, which are event, step and every other key of the log; what an
#> object has not is empty. An element of a list has the event EVENT.LIST, such as
#> validation.levels, its number from 0 in the column place, and, when it is no
#> object itself, its value in the column value.
