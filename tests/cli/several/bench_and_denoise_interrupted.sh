# An interrupted measurement prints no figure.
assert train diffc train tiny.json -q --out run >/dev/null
diffc bench tiny.json --seconds 20 --batch 4 >figures 2>said &
for i in $(seq 300); do
    grep -qs 'repetition' said && break
    sleep 0.1
done
kill -TERM $!
wait $!
echo "exit $?"
tail -n 1 said
cat figures
cp images-idx3-ubyte more && for i in 1 2 3 4 5 6; do tail -c +17 more >part && cat part part >>more; done
# 64 images tripled six times are 46656 = 0xB640.
printf '\000\000\010\003\000\000\266\100\000\000\000\020\000\000\000\020' >big-idx3-ubyte
tail -c +17 more >>big-idx3-ubyte
diffc denoise -m run --data big-idx3-ubyte --sigma 25 >figures 2>said &
for i in $(seq 300); do
    grep -qs 'denoising: ' said && break
    sleep 0.1
done
kill -TERM $!
wait $!
echo "exit $?"
tail -n 1 said | sed 's/after [0-9]* of [0-9]*/after N of M/'
cat figures
#> exit 130
#> diffc bench: interrupted while measuring training
#> exit 130
#> diffc denoise: interrupted after N of M images
