# A classifier of noise levels trains, makes images, gives a density with its caution, and takes off
# noise that it was not told of.
sed 's/"type": "ddpm"/"type": "cdm"/' tiny.json >cdm.json
numbers() { sed 's/-*[0-9][0-9.e-]*/N/g'; }
assert train diffc train cdm.json -q --out run >/dev/null
assert sample diffc sample -q -m run --count 1 --out-dir im >/dev/null
assert "the roof is measured" sh -c 'diffc bench cdm.json --layers --seconds 0 --repeat 1 -q --json | grep -q "\"roof\":{\"gflops\":[0-9].*\"roof_seconds\":[0-9]"'
assert "all passes are timed" sh -c 'diffc bench cdm.json --layers --seconds 0 --repeat 1 -q | grep -q "tangent .*second backward"'
diffc info run | grep -E 'method|network|time'
diffc nll -q -m run im/000000.png | numbers
diffc nll -q -m run --level 3 --dequant 1 --json im/000000.png | numbers
diffc nll -q -m run --data images-idx3-ubyte --count 5 | numbers
diffc nll -m run im/000000.png 2>&1 >/dev/null | numbers
diffc nll -m run --level 3 --dequant 2 im/000000.png 2>&1 | numbers
says() { # PATTERN ARGUMENTS...
    wanted=$1
    shift
    diffc nll -q -m run --json "$@" | tail -n 1 >said
    assert "nll $*" grep -q "$wanted" said
}
says '"standard_error":null,.*"level":0,.*"network_calls":1}' im/000000.png
says '"standard_error":[0-9.e-]*,.*"level":3,.*"network_calls":2}' --level 3 --dequant 2 im/000000.png
says '"count":5,.*"level":3,.*"network_calls":5}' --level 3 --data images-idx3-ubyte --count 5
diffc nll -q -m run --level 3 --csv table.csv im/000000.png >/dev/null
numbers <table.csv
diffc nll -q -m run --protocol bound im/000000.png | numbers
diffc nll -q -m run --protocol ode --tolerance 1e-2 --dequant 1 im/000000.png | numbers
diffc nll -q -m run --level 22 im/000000.png
# Level T+1 is noise alone: 0.5 log2(2 pi e) + log2(127.5) bits on average over 256 values and 50 draws.
diffc nll -m run --level 21 --dequant 50 im/000000.png 2>&1 | numbers
noise() { diffc nll -q -m run --level 21 --dequant 50 --json im/000000.png | sed 's/.*"bits_per_dim":\([0-9.e-]*\),.*/\1/'; }
assert "standard normal" awk -v bits="$(noise)" 'BEGIN { exit !(bits > 9.0414 - 0.05 && bits < 9.0414 + 0.05) }'
diffc nll -q -m run --protocol bound --level 1 im/000000.png
diffc nll -q -m run --probes 2 im/000000.png
diffc denoise -q -m run im/000000.png --out a.png --json | numbers
# The noise is what was said: of level 3 sigma^2 / alpha^2 = 1 / abar - 1.
sigma() { diffc denoise -q -m run im/000000.png --json "$@" | sed 's/.*"sigma":\([0-9.e-]*\),.*/\1/'; }
near='BEGIN { exit !(a - b < 1e-9 * b && b - a < 1e-9 * b) }'
assert "sigma in grey levels" awk -v a="$(sigma --sigma 60 --out b.png)" -v b=60 "$near"
abar="(1-1e-4) * (1-1e-4-0.0199/19) * (1-1e-4-2*0.0199/19)"
want=$(awk "BEGIN { printf \"%.12g\", 127.5 * sqrt(1 / ($abar) - 1) }")
assert "that of the level" awk -v a="$(sigma --level 3 --out d.png)" -v b="$want" "$near"
assert "files of pictures" test "$(head -c 4 b.png | tail -c 3)" = PNG
diffc denoise -q -m run im/000000.png --sigma 0 --out c.png
# The network has hardly learnt anything and takes all images for normal noise, so that what lies
# behind one is a smaller one, which is likelier; with the sign of the noise turned it is larger.
bits() { diffc nll -q -m run --json "$1" | sed 's/.*"bits_per_dim":\([0-9.e-]*\),.*/\1/'; }
assert "nearer to what the model knows" awk -v clean="$(bits b.png)" -v noisy="$(bits c.png)" 'BEGIN { exit !(clean < noisy - 0.05) }'
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
#>   method       cdm, 20 steps, linear schedule from 0.0001 to 0.02, classifies noise levels
#>   network      16x16x1, channels 8 16, 1 block a level, attention at 8x8
#> im/Npng: N bits/dim (exact, level N, a learnt density ratio, not a bound, N nats, N dims, N network call)
#> {"image":"im/Npng","bits_per_dim":N,"standard_error":null,"nats":N,"protocol":"exact","level":N,"warning":"a learnt density ratio, not a bound","dims":N,"network_calls":N}
#> mean of N images: N bits/dim +- N (exact, level N, a learnt density ratio, not a bound, N network calls)
#> run: protocol exact, the density of dequantised images at noise level N: N network call an image
#> warning: the figure is a learnt density ratio, not a bound: nothing holds it above the true -logN P
#> run: protocol exact, the density of images with noise at noise level N: N network calls an image
#> warning: the figure is a learnt density ratio, not a bound: nothing holds it above the true -logN P of the noisy image
#> im/Npng: N bits/dim +- N (exact, level N with its noise, a learnt density ratio, not a bound, N nats, N dims, N network calls)
#> image,bits_per_dim,standard_error,nats,protocol,dims,network_calls,level
#> im/Npng,N,,N,exact,N,N,N
#> im/Npng: N bits/dim +- N (bound, N nats, N dims, N network calls)
#> im/Npng: N bits/dim (ode, N nats, N dims, N network calls)
#> run: protocol exact, the density of noise alone (level N): that of the standard normal distribution, whatever the image and the model
#> im/Npng: N bits/dim +- N (exact, level N, noise alone: the standard normal density, N nats, N dims, N network calls)
#> {"event":"done","image":"im/Npng","out":"a.png","sigma":N,"found":true,"time":N,"network_calls":N,"model":"run"}
#> c.png
#> {"event":"summary","count":N,"squared_error":N,"standard_error":N,"psnr_before":N,"psnr":N,"sigma":N,"time":N,"model":"run"}
#> mean of N images with noise of N levels of grey: squared error N +- N of the noise's variance, PSNR N dB before and N dB after
#2> diffc nll: --level is 22; the levels of run are 0 (clean) to 21 (noise alone)
#2> Try 'diffc nll --help'.
#2> diffc nll: --level belongs to the protocol exact; bound does not use it
#2> Try 'diffc nll --help'.
#2> diffc nll: --probes belongs to the protocol ode; exact does not use it
#2> Try 'diffc nll --help'.
