diffc train tiny.json --set train.batch=0
#exit 2
#2> diffc train: --set train.batch=0: train.batch must be an integer in 1..4096, got 0
#2> Try 'diffc train --help'.
