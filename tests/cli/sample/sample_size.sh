# A network without fixed size makes other sizes; what cannot be halved is refused.
assert train diffc train tiny.json -q --out run >/dev/null
diffc sample -q -m run --count 1 --size 24x32 --npz x.npz
tr -d '\000' <x.npz | grep -ao "'shape': (1, 24, 32, 1)"
diffc sample -q -m run --size 24x 2>&1
#exit 2
#> x.npz
#> 'shape': (1, 24, 32, 1)
#> diffc sample: --size is '24x'; it must be like 64 or 48x64, each from 1 to 8192
#> Try 'diffc sample --help'.
