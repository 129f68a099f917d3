diffc bench tiny.json -q --seconds 0 --batch 2 >out
sed -n '/blas\|level\|memory/!s/[0-9][0-9.e+]*/N/gp' out
assert "blas, level and memory" test "$(grep -cE '^  (blas|level|peak memory) +[^ ]' out)" -eq 3
