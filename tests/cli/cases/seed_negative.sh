diffc train tiny.json --seed -1
