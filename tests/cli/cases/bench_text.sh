diffc bench tiny.json -q --seconds 0 --batch 2 | sed 's/[0-9][0-9.e+]*/N/g; /blas\|level\|peak/s/N.*//'
