# The terms of all steps and of the prior make the whole.
assert train diffc train tiny.json -q --out run >/dev/null
assert sample diffc sample -q -m run --count 2 --out-dir 'im, "two"' >/dev/null
diffc nll -q -m run --per-step steps.csv --csv all.csv im*/000000.png im*/000001.png >/dev/null
head -n 2 steps.csv | sed 's/,[0-9.e-]*,[0-9.e-]*$/,N,N/'
assert rows test "$(wc -l <steps.csv)" -eq 43
assert prior test "$(grep -c ',prior,' steps.csv)" -eq 2
sum=$(awk -F, 'NR > 1 && NR < 23 { s += $(NF) } END { printf "%.5f", s }' steps.csv)
assert "sum" test "$sum" = "$(sed -n 2p all.csv | awk -F, '{ printf "%.5f", $(NF-5) }')"
diffc nll -q -m run --per-step steps.csv --calls 8 im*/000000.png
#exit 2
#> image,step,nats,bits_per_dim
#> "im, ""two""/000000.png",0,N,N
#2> diffc nll: --calls estimates what --per-step sums; give one of them
#2> Try 'diffc nll --help'.
