# The ends of the way are the images of the two seeds, with any sampler.
assert train diffc train tiny.json -q --out run >/dev/null
pixels() { tail -c 150 "$1" | cksum; }
for sampler in ddim ddpm; do
    diffc sample -q -m run --sampler $sampler --between 3 8 --count 4 --out-dir way-$sampler
    for seed in 3 8; do assert $seed diffc sample -q -m run --sampler $sampler --seed $seed --count 1 --npz $seed.npz --out-dir ends >/dev/null; done
    assert "begins with seed 3" test "$(pixels way-$sampler/000000.png)" = "$(pixels ends/000003.png)"
    assert "ends with seed 8" test "$(pixels way-$sampler/000003.png)" = "$(pixels ends/000008.png)"
done
diffc sample -q -m run --between 3 8 --json | sed 's/"seconds":[0-9.e-]*,/"seconds":S,/'
say() { diffc sample -q -m run "$@" 2>&1 | grep -v '^Try'; }
say --between 3
say --between 3 --count 4
say --between 3 x
say --between 3 8 --seed 1
say --between 3 8 --count 1
#> way-ddim
#> way-ddpm
#> {"event":"done","images":8,"network_calls":4,"seconds":S,"out":"run-1.png","model":"run","sampler":"ddim","steps":4,"batch":8,"threads":2,"between":[3,8]}
#> diffc sample: --between needs two values: --between A B
#> diffc sample: --between needs two values: --between A B
#> diffc sample: --between is 'x'; it must be a whole number from 0 to 18446744073709551615
#> diffc sample: --between has its seeds; leave --seed out
#> diffc sample: --between begins and ends with an image; --count must be 2 or more
