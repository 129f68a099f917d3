# --resume without --out continues the newest run of that name.
diffc train tiny.json -q --steps 1 && diffc train tiny.json -q --steps 1 && diffc train tiny.json -q --steps 2 --resume
diffc train tiny.json --out other -q --resume
