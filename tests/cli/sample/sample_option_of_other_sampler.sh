diffc train tiny.json -q --out run --steps 1 >/dev/null 2>&1
diffc sample -q -m run --sampler ddpm --eta 0.5
#exit 2
#2> diffc sample: --eta belongs to the sampler ddim; ddpm does not use it
#2> Try 'diffc sample --help'.
