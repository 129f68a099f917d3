# --resume without --out continues the newest run of that name.
diffc train tiny.json -q --steps 1 && diffc train tiny.json -q --steps 1 && diffc train tiny.json -q --steps 2 --resume
diffc train tiny.json --out other -q --resume
#exit 1
#> runs/tiny
#> runs/tiny-2
#> runs/tiny-2
#2> diffc train: other: there is no run to resume here
