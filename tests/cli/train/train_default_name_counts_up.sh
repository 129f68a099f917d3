# The run is named after the configuration; a taken name gets a number.
diffc train tiny.json -q --steps 1
diffc train tiny.json -q --steps 1
ls runs
#> runs/tiny
#> runs/tiny-2
#> tiny
#> tiny-2
