# Nothing is half-written, and an older picture stays.
assert train diffc train tiny.json -q --out run >/dev/null
echo old >grid.png
diffc sample -m run --count 100000 --batch 64 --out grid.png 2>narration &
for i in $(seq 200); do
    grep -qs '100000 images' narration && break
    sleep 0.1
done
kill -TERM $!
wait $!
assert "exit 130" test $? -eq 130
sed -n 's/after [0-9]* of/after N of/; $p' narration
ls grid*
cat grid.png
#> diffc sample: interrupted after N of 100000 images; nothing was written
#> grid.png
#> old
