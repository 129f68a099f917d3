# An image, noised to a part of the noise process: the steps noisier than that are left out, for every sampler.
boot=$REPOSITORY/data/boot.png
assert train diffc train tiny.json -q --out run --set data.size=28 --set 'model.attention=[]' >/dev/null
cp "$boot" .
diffc sample -q -m run --from boot.png --strength 0.5 --sampler ddpm --count 1 --json --out half.png | grep -o '"network_calls":[0-9]*\|"from".*'
diffc sample -q -m run --from boot.png --strength 1 --sampler ddpm --count 1 --json --out all.png | grep -o '"network_calls":[0-9]*'
diffc sample -q -m run --from boot.png --sampler ode --tolerance 0.1 --count 1 --out ode.png
diffc sample -q -m run --from boot.png --sampler heun --steps 9 --count 2 --out-dir row
diffc sample -q -m run --from boot.png --sampler heun --steps 9 --seed 1 --count 1 --out-dir alone
assert "an image is that of its seed" cmp row/000001.png alone/000001.png
say() { diffc sample -q -m run "$@" 2>&1 | grep -v '^Try'; }
say --from boot.png --strength 1.5
say --from boot.png --strength 0
say --from boot.png --strength 0.01
say --strength 0.5
say --resize
say --from images-idx3-ubyte
assert small diffc train tiny.json -q --out small >/dev/null
diffc sample -q -m small --from boot.png 2>&1 | grep -v '^Try'
diffc sample -q -m small --from boot.png --resize --count 1 --out fits.png
assert toy diffc train "$REPOSITORY/configs/toy-ring.json" -q --out ring --steps 2 >/dev/null
diffc sample -q -m ring --from boot.png 2>&1 | grep -v '^Try'
#> "network_calls":10
#> "from":"boot.png","strength":0.5}
#> "network_calls":20
#> ode.png
#> row
#> alone
#> diffc sample: --strength is '1.5'; it must be a number from 0 to 1
#> diffc sample: --strength is 0, so the images would be boot.png itself; it must be above 0
#> diffc sample: strength 0.01 is below the cleanest of the 4 noise levels, which is at 0.05; give more, or more steps
#> diffc sample: --strength belongs to --from
#> diffc sample: --resize belongs to --from
#> diffc sample: images-idx3-ubyte: is IDX images, expected a PNG or JPEG image
#> diffc sample: boot.png: is a grey image of 28x28, but the model's are grey images of 16x16; --resize makes it fit
#> fits.png
#> diffc sample: --from is an image, but ring gives points of the plane
