diffc train tiny.json --gpu
#exit 2
#2> diffc train: unknown option '--gpu'
#2> Try 'diffc train --help'.
