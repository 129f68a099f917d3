diffc train tiny.json -q --out run --steps 1 >/dev/null 2>&1
diffc sample -q -m run --sampler ddpm --eta 0.5
