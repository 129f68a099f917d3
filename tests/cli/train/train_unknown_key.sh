diffc train tiny.json --set train.bacth=3
#exit 2
#2> diffc train: --set train.bacth=3: train.bacth is not a known key; did you mean train.batch?
#2> Try 'diffc train --help'.
