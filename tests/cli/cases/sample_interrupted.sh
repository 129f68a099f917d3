# Nothing is half-written.
assert train diffc train tiny.json -q --out run >/dev/null
diffc sample -q -m run --count 1000000 --batch 64 --out grid.png &
sleep 0.5
kill -INT $!
wait $!
assert "exit 130" test $? -eq 130
ls grid* 2>/dev/null
exit 0
