diffc train tiny.json --steps 1000000000001
diffc train tiny.json --set train.batch=0
#exit 2
#2> diffc train: --steps is '1000000000001'; it must be a whole number from 1 to 1000000000000
#2> Try 'diffc train --help'.
#2> diffc train: --set train.batch=0: train.batch must be an integer in 1..4096, got 0
#2> Try 'diffc train --help'.
