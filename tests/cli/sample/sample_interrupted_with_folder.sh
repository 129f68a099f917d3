# Before the first image is finished there is nothing in a folder, and one that was made for it goes again.
assert train diffc train tiny.json -q --out run --set method.steps=10000 >/dev/null
mkdir there frames
for folders in 'made seen' 'there frames'; do
    set -- $folders
    rm -f narration # that of the round before would be seen too early
    diffc sample -m run --sampler ddpm --steps 10000 --count 64 --batch 64 --out-dir "$1" --frames "$2" 2>narration &
    for i in $(seq 200); do
        grep -qs 'sampler ddpm' narration && break
        sleep 0.1
    done
    kill -TERM $!
    wait $!
    assert "exit 130" test $? -eq 130
    tail -n 1 narration
done
ls -d made seen there frames 2>/dev/null
ls there frames
#> diffc sample: interrupted after 0 of 64 images; nothing was written
#> diffc sample: interrupted after 0 of 64 images; nothing was written
#> frames
#> there
#> frames:
#>
#> there:
