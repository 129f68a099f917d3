diffc sample --model tiny.json
