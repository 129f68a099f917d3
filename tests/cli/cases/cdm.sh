# A classifier of noise levels trains, makes images, gives a density with its caution, and takes off
# noise that it was not told of.
sed 's/"type": "ddpm"/"type": "cdm"/' tiny.json >cdm.json
numbers() { sed 's/-*[0-9][0-9.e-]*/N/g'; }
assert train diffc train cdm.json -q --out run >/dev/null
assert sample diffc sample -q -m run --count 1 --out-dir im >/dev/null
assert "all passes are timed" sh -c 'diffc bench cdm.json --layers --seconds 0 --repeat 1 -q | grep -q "tangent .*second backward"'
diffc info run | grep -E 'method|network|time'
diffc nll -q -m run im/000000.png | numbers
diffc nll -q -m run --level 3 --dequant 1 --json im/000000.png | numbers
diffc nll -q -m run --data images-idx3-ubyte --count 5 | numbers
diffc nll -m run --dequant 1 im/000000.png 2>&1 >/dev/null | numbers
diffc nll -q -m run --protocol bound im/000000.png | numbers
diffc nll -q -m run --protocol ode --tolerance 1e-2 --dequant 1 im/000000.png | numbers
diffc nll -q -m run --level 21 im/000000.png
diffc nll -q -m run --protocol bound --level 1 im/000000.png
diffc nll -q -m run --probes 2 im/000000.png
diffc denoise -q -m run im/000000.png --out a.png --json | numbers
diffc denoise -q -m run im/000000.png --sigma 30 --out b.png
assert "files of pictures" test "$(head -c 4 b.png | tail -c 3)" = PNG
diffc denoise -q -m run im/000000.png --sigma 0 --out c.png
assert "nothing to take off" diffc nll -q -m run --json --seed 1 im/000000.png >one
assert "the same picture" diffc nll -q -m run --json --seed 1 c.png >two
assert "the same picture" test "$(sed 's/im.000000.png//' one)" = "$(sed 's/c.png//' two)"
# How well noise is found: the same figure twice, another by another seed.
assert data diffc denoise -q -m run --data images-idx3-ubyte --count 11 --level 15 --json >one
assert again diffc denoise -q -m run --data images-idx3-ubyte --count 11 --level 15 --threads 3 --json >two
assert "the same figures" cmp one two
numbers <one
diffc denoise -q -m run --data images-idx3-ubyte --count 11 --level 15 --seed 1 --json >two
assert "another seed, other figures" test "$(cat one)" != "$(cat two)"
diffc denoise -q -m run --data images-idx3-ubyte --count 2 --sigma 12 | numbers
