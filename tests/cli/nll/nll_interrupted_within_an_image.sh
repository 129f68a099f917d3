# The flag is looked at within an image too, not only between them.
assert train diffc train tiny.json -q --out run >/dev/null
diffc nll -m run --data images-idx3-ubyte --count 2 --batch 2 --calls 1000000 --csv part.csv >lines 2>narration &
for i in $(seq 300); do
    grep -qs 'predictions for the next' narration && break
    sleep 0.1
done
kill -TERM $!
for i in $(seq 100); do
    kill -0 $! 2>/dev/null || break
    sleep 0.1
done
kill -KILL $! 2>/dev/null
wait $!
echo "exit $?"
tail -n 1 narration
#> exit 130
#> diffc nll: interrupted after 0 of 2 images
