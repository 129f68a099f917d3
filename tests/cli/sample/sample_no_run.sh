diffc sample
#exit 1
#2> diffc sample: there is no folder runs here; train a model first or give --model PATH
