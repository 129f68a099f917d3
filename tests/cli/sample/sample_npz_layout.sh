# A zip whose one member is a .npy of unsigned bytes [2, 16, 16, 1].
assert train diffc train tiny.json -q --out run >/dev/null
diffc sample -q -m run --count 2 --npz x.npz
tr -d '\000' <x.npz | grep -ao "'shape': (2, 16, 16, 1)"
wc -c <x.npz
#> x.npz
#> 'shape': (2, 16, 16, 1)
#> 756
