assert train diffc train tiny.json -q --out run >/dev/null
diffc info run --layers >out
assert "first convolution" grep -q 'conv_in' out
assert "last convolution" grep -q 'conv_out' out
