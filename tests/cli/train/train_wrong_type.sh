diffc train tiny.json --set model.channels=wide
#exit 2
#2> diffc train: --set model.channels=wide: model.channels must be an integer in 1..16384, got "wide" (a string)
#2> Try 'diffc train --help'.
