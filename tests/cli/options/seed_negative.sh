diffc train tiny.json --seed -1
#exit 2
#2> diffc train: --seed is '-1'; it must be a whole number from 0 to 18446744073709551615
#2> Try 'diffc train --help'.
