diffc train tiny.json -q --out run --steps 1 >/dev/null 2>&1
diffc sample -q -m run --steps 21
#exit 2
#2> diffc sample: cannot take 21 steps: the model has 20 timesteps, so the number of steps must be 1 to 20
#2> Try 'diffc sample --help'.
