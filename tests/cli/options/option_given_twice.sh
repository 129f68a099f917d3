diffc sample --steps 4 --steps 5
#exit 2
#2> diffc sample: --steps is given twice; once is enough
#2> Try 'diffc sample --help'.
