diffc train tiny.json --set train.batch=0
