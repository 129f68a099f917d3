# Other methods are told how strong the noise is; what does not fit is refused.
assert train diffc train tiny.json -q --out run >/dev/null
assert sample diffc sample -q -m run --count 1 --out-dir im >/dev/null
diffc denoise -q -m run im/000000.png --sigma 40
diffc denoise -m run im/000000.png --sigma 40 -o clean.png 2>&1 >/dev/null | sed 's/-*[0-9][0-9.e-]*/N/g'
diffc denoise -q -m run im/000000.png
diffc denoise -q -m run missing.png --sigma 40
diffc denoise -q -m run --label 1 im/000000.png --sigma 40
diffc denoise -q -m run im/000000.png --sigma 40 --out missing/clean.png
diffc denoise -q -m run
assert toy diffc train "$REPOSITORY/configs/toy-ring.json" -q --out ring --steps 2 >/dev/null
diffc denoise -q -m ring im/000000.png
