diffc train tiny.json -q --out run --steps 1
diffc train tiny.json -q --out run --steps 1
#exit 2
#> run
#2> diffc train: run: already holds a run; give --resume to continue it, or another --out
#2> Try 'diffc train --help'.
