diffc sample --steps 12abc
#exit 2
#2> diffc sample: --steps is '12abc'; it must be a whole number from 1 to 1000000
#2> Try 'diffc sample --help'.
