diffc train tiny.json --set model.channels=wide
