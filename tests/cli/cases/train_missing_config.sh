diffc train nowhere.json
