# The figures of finished images are told, and the table holds them.
assert train diffc train tiny.json -q --out run >/dev/null
diffc nll -m run --data images-idx3-ubyte --calls 2000 --batch 1 --csv all.csv --json >lines 2>narration &
for i in $(seq 900); do
    grep -qs image lines && break
    sleep 0.1
done
kill -TERM $!
wait $!
assert "exit 130" test $? -eq 130
tail -n 1 narration | sed 's/after [0-9]*/after N/'
assert "summary" grep -q '"event":"summary"' lines
assert "as many rows as lines" test "$(wc -l <all.csv)" -eq "$(wc -l <lines)"
#> diffc nll: interrupted after N of 64 images; their figures are told
