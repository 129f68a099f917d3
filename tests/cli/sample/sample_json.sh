assert train diffc train tiny.json -q --out run >/dev/null
diffc sample -q -m run --json --count 3 --batch 2 --threads 2 | sed 's/"seconds":[0-9.e-]*,/"seconds":S,/'
#> {"event":"done","images":3,"network_calls":4,"seconds":S,"out":"run-1.png","model":"run","sampler":"ddim","steps":4,"seed":0,"batch":2,"threads":2}
