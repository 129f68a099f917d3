diffc sample "--$(printf '\033')[2J"
#exit 2
#2> diffc sample: unknown option '--\x1b[2J'
#2> Try 'diffc sample --help'.
