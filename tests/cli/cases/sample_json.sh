assert train diffc train tiny.json -q --out run >/dev/null
diffc sample -q -m run --json --count 3 --batch 2 --threads 2 | sed 's/"seconds":[0-9.e-]*,/"seconds":S,/'
