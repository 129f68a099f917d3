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
#exit 2
#> im/000000.png:
#> exit 2
#> exit 2
#> quadrants.jpg: is a colour image of HxW, but the model's are grey images of 16x16; --resize makes them fit
#> Try 'diffc nll --help'.
#> mean of 64 images
#2> diffc nll: grid.png: is a grey image of 34x34, but the model's are grey images of 16x16; --resize makes them fit
#2> diffc nll: 1 of 2 images could not be scored
#2> Try 'diffc nll --help'.
#2> diffc nll: grid.png: is a grey image of 34x34, but the model's are grey images of 16x16; --resize makes them fit
#2> Try 'diffc nll --help'.
#2> diffc nll: folder: has grey images of 34x34, but the model's are grey images of 16x16; --resize makes them fit
#2> Try 'diffc nll --help'.
