# An image that does not fit is named with both sizes, the others are scored, and the exit code says
# that one was not.
assert train diffc train tiny.json -q --out run >/dev/null
assert sample diffc sample -q -m run --count 1 --out-dir im >/dev/null
assert grid diffc sample -q -m run --count 4 --out grid.png >/dev/null
diffc nll -q -m run grid.png im/000000.png | sed 's/ .*//'
diffc nll -q -m run grid.png
echo "exit $?"
assert resized diffc nll -q -m run --resize grid.png >/dev/null
diffc nll -q -m run "$REPOSITORY/tests/golden/images/quadrants.jpg" 2>message
echo "exit $?"
sed 's/^.*quadrants/quadrants/; s/of [0-9]*x[0-9]*,/of HxW,/' message
assert "resized and grey" diffc nll -q -m run --resize "$REPOSITORY/tests/golden/images/quadrants.jpg" >/dev/null
diffc nll -q -m run --data images-idx3-ubyte --resize | sed 's/:.*//'
mkdir folder && cp grid.png folder
diffc nll -q -m run --data folder
