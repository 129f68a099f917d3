# 'diffc help' and -h are --help.
diffc --help >a && diffc help >b && diffc -h >c && cmp a b && cmp a c
diffc train --help >a && diffc help train >b && diffc train -h >c && cmp a b && cmp a c
