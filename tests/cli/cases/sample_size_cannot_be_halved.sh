# A wrong --size is a wrong command line, not a wrong file.
assert train diffc train tiny.json -q --out run >/dev/null
diffc sample -q -m run --size 25
