# --resume without --out continues the newest run of that name.
diffc train tiny.json -q --steps 1 && diffc train tiny.json -q --steps 1 && diffc train tiny.json -q --steps 2 --resume
# What another configuration is called is its own run's name, not a number of this one's.
sed 's/"batch": 4/"batch": 8/' tiny.json >tiny-4.json
diffc train tiny-4.json -q --steps 1
diffc train tiny.json -q --steps 3 --resume
diffc train tiny.json -q --steps 1
cp tiny.json tiny-6.json
diffc train tiny.json -q --steps 1
diffc train tiny.json -q --steps 1
diffc train tiny.json --out other -q --resume
#exit 1
#> runs/tiny
#> runs/tiny-2
#> runs/tiny-2
#> runs/tiny-4
#> runs/tiny-2
#> runs/tiny-3
#> runs/tiny-5
#> runs/tiny-7
#2> diffc train: other: there is no run to resume here
