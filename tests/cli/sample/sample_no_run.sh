diffc sample
#exit 2
#2> diffc sample: there is no folder runs here; train a model first or give --model PATH
#2> Try 'diffc sample --help'.
