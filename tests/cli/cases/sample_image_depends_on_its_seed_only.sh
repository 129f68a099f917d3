# Image 9 alone, in a batch of 2 and in a batch of 5 is the same file, with 1 and 3 threads.
assert train diffc train tiny.json -q --out run >/dev/null
for sampler in ddpm ddim; do
    assert five diffc sample -q -m run --sampler $sampler --seed 5 --count 5 --batch 5 --out-dir five --threads 1 >/dev/null
    assert two diffc sample -q -m run --sampler $sampler --seed 8 --count 3 --batch 2 --out-dir two --threads 3 >/dev/null
    assert one diffc sample -q -m run --sampler $sampler --seed 9 --count 1 --npz one.npz --out-dir one >/dev/null
    # The text inside tells the first seed, so the pixels are compared: PNG files end with them.
    for other in two one; do
        tail -c 200 five/000009.png >a && tail -c 200 $other/000009.png >b && cmp a b
    done
done
