diffc sample --steps
#exit 2
#2> diffc sample: --steps needs a value: --steps N
#2> Try 'diffc sample --help'.
