diffc sample --count 0
#exit 2
#2> diffc sample: --count is '0'; it must be a whole number from 1 to 10000000
#2> Try 'diffc sample --help'.
