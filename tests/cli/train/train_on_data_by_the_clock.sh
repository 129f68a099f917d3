# A time limit: the speed is measured, the updates that the time allows are said, and the run ends in time.
assert run diffc train images-idx3-ubyte --minutes 0.02 --effort small --set model.channels=4 \
    --set train.batch=2 --set sample.steps=1 --set sample.count=1 --threads 1 --out run 2>said
sed -n '/^effort/s/[0-9][0-9,.]*/N/g; /^effort/p' said
grep -o '"minutes": .*' run/config.json
grep -c '"event":"step"' run/stats.jsonl | sed 's/[0-9][0-9]*/N/'
# A time of too few updates is said; --set train.minutes is the same.
assert short diffc train images-idx3-ubyte --set train.minutes=0.01 --size 128 --threads 1 --dry-run 2>said >own.json
sed -n '/^note: that is short/p' said
grep -o '"minutes": .*' own.json
# A configuration takes --minutes in the place of its updates.
diffc train tiny.json --minutes 3 --dry-run | grep '^  training'
diffc train tiny.json --minutes 3 --steps 7 --dry-run | grep '^  training'
#> run
#> effort small: N minutes, about N updates of N pictures at the N pictures/s measured here, less what the grids drawn meanwhile take
#> "minutes": 0.02,
#> N
#> note: that is short: 600 updates and more begin to show what the pictures are
#> "minutes": 0.01,
#>   training     3 minutes, batch 4 in passes of 4, learning rate 0.0002, seed 0
#>   training     7 updates or 3 minutes, batch 4 in passes of 4, learning rate 0.0002, seed 0
