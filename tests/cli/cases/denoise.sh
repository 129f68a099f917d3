# Other methods are told how strong the noise is; data sets get theirs; what does not fit is refused.
assert train diffc train tiny.json -q --out run >/dev/null
assert sample diffc sample -q -m run --count 1 --out-dir im >/dev/null
diffc denoise -q -m run im/000000.png --sigma 40
diffc denoise -m run im/000000.png --sigma 40 -o clean.png 2>&1 >/dev/null | sed 's/-*[0-9][0-9.e-]*/N/g'
diffc denoise -q -m run im/000000.png
diffc denoise -q -m run missing.png --sigma 40
diffc denoise -q -m run --label 1 im/000000.png --sigma 40
diffc denoise -q -m run im/000000.png --sigma 40 --out missing/clean.png
diffc denoise -q -m run im/000000.png --level 3
diffc denoise -m run im/000000.png --sigma 0.01 2>&1 >/dev/null | grep nearest
diffc denoise -q -m run im/000000.png --level 21
diffc denoise -q -m run im/000000.png --level 3 --sigma 3
diffc denoise -q -m run im/000000.png --level 3 --seed 3
diffc denoise -q -m run im/000000.png --data images-idx3-ubyte --level 3
diffc denoise -q -m run --data images-idx3-ubyte --level 3 --out clean.png
diffc denoise -q -m run --data images-idx3-ubyte
diffc denoise -q -m run --data images-idx3-ubyte --level 0
diffc denoise -q -m run --data images-idx3-ubyte --level 3 --count 2 | sed 's/-*[0-9][0-9.e-]*/N/g'
diffc denoise -q -m run
sed 's/"method".*/"method": { "type": "sde", "sde": "vp" },/; /"sampler"/d; s/"validate": 4 },/"validate": 4 }/' tiny.json >vp.json
assert vp diffc train vp.json -q --out vp >/dev/null
diffc denoise -q -m vp im/000000.png --level 3
assert toy diffc train "$REPOSITORY/configs/toy-ring.json" -q --out ring --steps 2 >/dev/null
diffc denoise -q -m ring im/000000.png
diffc denoise -q -m run im/000000.png --sigma 40 --out clean.jpg
diffc sample -q -m run --count 1 --out grid.WebP
diffc sample -q -m ring --count 1 --out points.csv
