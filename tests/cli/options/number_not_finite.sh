diffc sample --eta nan
#exit 2
#2> diffc sample: --eta is 'nan'; it must be a number from 0 to 1
#2> Try 'diffc sample --help'.
