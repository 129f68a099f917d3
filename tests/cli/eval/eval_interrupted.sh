# An interrupted comparison prints no figure and writes no picture.
assert train diffc train tiny.json -q --out run >/dev/null
diffc eval -m run --sampler langevin --langevin-steps 10000 --count 28 --out nearest.png >figures 2>said &
for i in $(seq 900); do
    grep -qs 'sampler' said && break
    sleep 0.1
done
kill -TERM $!
wait $!
echo "exit $?"
tail -n 1 said | sed 's/after [0-9]*/after N/'
cat figures
ls
#> exit 130
#> diffc eval: interrupted after N of 28 images; nothing was compared
#> figures
#> images-idx3-ubyte
#> run
#> said
#> tiny.json
