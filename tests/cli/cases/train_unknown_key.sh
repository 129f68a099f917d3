diffc train tiny.json --set train.bacth=3
