assert train diffc train tiny.json -q --out run >/dev/null
assert first diffc sample -q -m run --out a.png --npz a.npz >/dev/null
assert second diffc sample -q -m run --out b.png --npz b.npz --batch 1 >/dev/null
cmp a.png b.png && cmp a.npz b.npz
