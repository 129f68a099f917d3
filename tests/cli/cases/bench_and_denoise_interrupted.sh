# An interrupted measurement prints no figure, and an image that was being cleaned is not written.
assert train diffc train tiny.json -q --out run >/dev/null
diffc bench tiny.json --seconds 1000 --batch 4 >figures 2>said &
for i in $(seq 300); do
    grep -qs 'repetition' said && break
    sleep 0.1
done
kill -TERM $!
wait $!
echo "exit $?"
tail -n 1 said
cat figures
diffc sample -q -m run --count 1 --out noisy.png
diffc denoise -m run noisy.png --sigma 25 --out clean.png 2>/dev/null &
kill -TERM $! 2>/dev/null
wait $!
status=$?
assert "interrupted or done" test $status -eq 130 -o $status -eq 143 -o $status -eq 0
[ $status -eq 0 ] || assert "nothing is written" test ! -e clean.png
