# Every line is an object with "event"; steps carry the promised members; the last line is the end.
assert train diffc train tiny.json -q --json --out run >lines
assert objects test "$(grep -cv '^{"event":"[a-z]*",.*}$' lines)" -eq 0
for key in step images loss grad_norm lr images_per_s; do
    assert "member $key" test "$(grep '"event":"step"' lines | grep -c "\"$key\":[-0-9]")" -eq 4
done
assert "same as stats.jsonl" grep -qxF "$(tail -n 1 run/stats.jsonl)" lines
tail -n 1 lines | sed 's/\(peak_memory_bytes":\)[0-9]*/\1N/'
assert "one line says how long the start took" test "$(grep -c startup_seconds lines)" = 1
assert "it is the first" sh -c "head -n 1 lines | grep -q startup_seconds"
#> {"event":"done","step":4,"run":"run","peak_memory_bytes":N}
