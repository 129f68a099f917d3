# Image 9 alone, in a batch of 2 and in a batch of 5 is the same file, with 1 and 3 threads.
assert train diffc train tiny.json -q --out run >/dev/null
for sampler in ddpm ddim; do
    assert five diffc sample -q -m run --sampler $sampler --seed 5 --count 5 --batch 5 --out-dir five --threads 1 >/dev/null
    assert two diffc sample -q -m run --sampler $sampler --seed 8 --count 3 --batch 2 --out-dir two --threads 3 >/dev/null
    assert one diffc sample -q -m run --sampler $sampler --seed 9 --count 1 --npz one.npz --out-dir one >/dev/null
    assert "its own seed inside" grep -qa ', seed 9' five/000009.png
    for other in two one; do
        cmp five/000009.png $other/000009.png
    done
done
