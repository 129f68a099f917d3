# A wrong --size is a wrong command line, not a wrong file.
assert train diffc train tiny.json -q --out run >/dev/null
diffc sample -q -m run --size 25
#exit 2
#2> diffc sample: run/model: images of 25x25 cannot be halved 1 time; heights and widths must be multiples of 2 (24 or 26 would do)
#2> Try 'diffc sample --help'.
