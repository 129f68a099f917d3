diffc train tiny.json --set data.path=nowhere
