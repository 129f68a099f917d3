# Nothing is half-written.
assert train diffc train tiny.json -q --out run --set data.size=28 --set 'model.attention=[]' >/dev/null
diffc restore -m run "$REPOSITORY/data/boot.png" --scale 2 --count 50000 --sampler ddpm --batch 64 --out out.png 2>narration &
for i in $(seq 200); do
    grep -qs '50000 images' narration && break
    sleep 0.1
done
kill -TERM $!
wait $!
assert "exit 130" test $? -eq 130
sed -n 's/after [0-9]* of/after N of/; $p' narration
ls out*.png 2>/dev/null
true
#> diffc restore: interrupted after N of 50000 images; nothing was written
