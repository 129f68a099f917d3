diffc report --help
#> usage: diffc report [RUN...] [options]
#>
#> Show how trainings went, as one HTML file.
#>
#>   diffc report runs/demo
#>   diffc report runs/demo runs/mine -o compared.html
#>
#> General:
#>   -o, --out FILE          the report, an HTML file (default: report.html in the
#>                           folder of a single run; of several runs report-1.html,
#>                           or the next number that is free)
#>       --json              results as one JSON object a line
#>   -q, --quiet             no narration and no progress
#>   -h, --help              this text
#>
#> Without RUN the newest run under runs/ is shown; several runs are drawn over
#> each other. The file needs no network and runs no script: any browser shows it,
#> on a phone and in the dark as well, and prints it. It holds loss, gradient norm,
#> learning rate and images per second (the smoothed curve over the logged values),
#> held-out loss in all and by noise level, the distances of train.eval_every,
#> EDDPM's scores and kept steps, up to twelve sample grids a run (6 MiB in all),
#> and the configuration with what differs from the defaults. train writes
#> report.html of its run at the end. For programs of your own: diffc info RUN
#> --csv.
