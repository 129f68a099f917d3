diffc train tiny.json --out --json
