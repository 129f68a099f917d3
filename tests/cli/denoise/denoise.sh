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
diffc denoise -m run im/000000.png --sigma 1 2>&1 >/dev/null | grep nearest
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
#exit 2
#> 000000-clean-1.png
#> run: noise of N levels of grey taken off, N network call
#> 000000-clean-2.png
#> run has no noise level of 0.01 levels of grey; the nearest is 1.275
#> run has no noise level of 1 level of grey; the nearest is 1.275
#> mean of N images with noise of N levels of grey: squared error N +- N of the noise's variance, PSNR N dB before and N dB after
#2> diffc denoise: run cannot find out how strong the noise is, as a cdm can; give --sigma in levels of grey, such as --sigma 25, or --level
#2> Try 'diffc denoise --help'.
#2> diffc denoise: missing.png: cannot open: No such file or directory
#2> diffc denoise: --label is given, but the model has no classes
#2> Try 'diffc denoise --help'.
#2> diffc denoise: missing/clean.png: cannot create: No such file or directory
#2> diffc denoise: --level is 21; the levels of run are 0 (no noise) to 20
#2> Try 'diffc denoise --help'.
#2> diffc denoise: --sigma and --level both say how strong the noise is; give one of them
#2> Try 'diffc denoise --help'.
#2> diffc denoise: --seed belongs to --data
#2> Try 'diffc denoise --help'.
#2> diffc denoise: an image and --data are given; one of them is enough
#2> Try 'diffc denoise --help'.
#2> diffc denoise: --out belongs to an image; --data prints figures
#2> Try 'diffc denoise --help'.
#2> diffc denoise: --data adds noise to its images: give --sigma, in levels of grey, or --level
#2> Try 'diffc denoise --help'.
#2> diffc denoise: --data needs --sigma or --level above 0
#2> Try 'diffc denoise --help'.
#2> diffc denoise: there is nothing to denoise: name an image or give --data
#2> Try 'diffc denoise --help'.
#2> diffc denoise: --level numbers the steps of a chain, but the noise of vp is continuous in time; give --sigma
#2> Try 'diffc denoise --help'.
#2> diffc denoise: ring: the model gives points of the plane, not images of 8 bits
#2> Try 'diffc denoise --help'.
#2> diffc denoise: --out is clean.jpg, but it is written as PNG; give it a name that ends in .png
#2> Try 'diffc denoise --help'.
#2> diffc sample: --out is grid.WebP, but it is written as PNG; give it a name that ends in .png
#2> Try 'diffc sample --help'.
#2> diffc sample: --out is points.csv, but it is written as PNG; give it a name that ends in .png
#2> Try 'diffc sample --help'.
