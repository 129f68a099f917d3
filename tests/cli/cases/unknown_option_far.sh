diffc train tiny.json --gpu
