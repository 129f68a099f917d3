# The mean, its error and the tables are of the images that were scored; the test part comes first.
mkdir data && cp images-idx3-ubyte data/train-images-idx3-ubyte
{ printf '\000\000\010\003\000\000\000\005\000\000\000\020\000\000\000\020'; tail -c 1280 images-idx3-ubyte; } >data/t10k-images-idx3-ubyte
assert train diffc train tiny.json -q --out run --set data.path=data >/dev/null
diffc nll -q -m run --data data --csv all.csv --json >lines
assert "one object an image and the summary" test "$(wc -l <lines)" -eq 6
assert "its rows" test "$(wc -l <all.csv)" -eq 6
head -n 1 all.csv
cut -d, -f1,5,6,7 all.csv | tail -n 1
# The mean of the table is the mean of the summary.
mean=$(awk -F, 'NR > 1 { s += $2 } END { printf "%.6f", s / (NR - 1) }' all.csv)
assert "mean" test "$mean" = "$(tail -n 1 lines | sed 's/.*"bits_per_dim":\([0-9.]*\).*/\1/' | xargs printf '%.6f')"
diffc nll -q -m run --data data --part train --count 3 | sed 's/[0-9]*\.[0-9]*/N/g'
#> image,bits_per_dim,standard_error,nats,protocol,dims,network_calls
#> data#4,bound,256,40
#> mean of 3 images: N bits/dim +- N (bound, 120 network calls)
