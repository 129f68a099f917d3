# Without a protocol the method's own is taken and said; without a model the newest run is.
for method in '"ddpm", "steps": 20' '"smld", "levels": 12' '"sde", "sde": "ve"' '"sde", "sde": "vp"' '"sde", "sde": "subvp"'; do
    sed "s/\"method\".*/\"method\": { \"type\": $method },/; /\"sampler\"/d; s/\"validate\": 4 },/\"validate\": 4 }/" tiny.json >method.json
    assert train diffc train method.json -q --out runs/new >/dev/null
    echo "$method"
    diffc nll --data images-idx3-ubyte --count 2 2>narration | sed 's/[0-9]*\.[0-9]*/N/g; s/[0-9]* network/N network/'
    grep -E 'newest|protocol|nll:' narration
    rm -r runs/new
done
#> "ddpm", "steps": 20
#> mean of 2 images: N bits/dim +- N (bound, N network calls)
#> model: runs/new (the newest run)
#> runs/new: protocol bound, an upper bound of -log2 P: all 20 terms, 40 network calls an image, variance small
#> "smld", "levels": 12
#> mean of 2 images: N bits/dim +- N (ode, N network calls)
#> model: runs/new (the newest run)
#> runs/new: protocol ode, the density of images with uniform noise: tolerance 3e-07, 1 probe, 1 draw an image
#> "sde", "sde": "ve"
#> mean of 2 images: N bits/dim +- N (ode, N network calls)
#> model: runs/new (the newest run)
#> runs/new: protocol ode, the density of images with uniform noise: tolerance 3e-07, 1 probe, 1 draw an image
#> "sde", "sde": "vp"
#> mean of 2 images: N bits/dim +- N (ode, N network calls)
#> model: runs/new (the newest run)
#> runs/new: protocol ode, the density of images with uniform noise: tolerance 3e-07, 1 probe, 1 draw an image
#> "sde", "sde": "subvp"
#> mean of 2 images: N bits/dim +- N (ode, N network calls)
#> model: runs/new (the newest run)
#> runs/new: protocol ode, the density of images with uniform noise: tolerance 3e-07, 1 probe, 1 draw an image
