# Before the first image is finished there is nothing in the folder.
assert train diffc train tiny.json -q --out run --set method.steps=10000 >/dev/null
diffc sample -m run --sampler ddpm --steps 10000 --count 64 --batch 64 --out-dir images 2>narration &
for i in $(seq 200); do
    grep -qs 'step [0-9]* of 10000' narration && break
    sleep 0.1
done
kill -TERM $!
wait $!
assert "exit 130" test $? -eq 130
tail -n 1 narration
ls images
#> diffc sample: interrupted after 0 of 64 images; nothing was written
