# What is left to the data comes out in the summary, and the Langevin step where it is used.
sed 's/"method": .*/"method": {"type": "smld"},/; s/"sample": .*/"sample": {}/' tiny.json >smld.json
assert plan diffc train smld.json --dry-run >plan
sed -n '/^  method/,/^  network/p' plan | sed '$d'
diffc train smld.json --dry-run --json | sed -n 's/.*"level_ratio":\([0-9.]\{6\}\)[^,]*,"langevin_step":\([0-9.]\{5\}\)[0-9]*\(e-[0-9]*\).*/ratio \1 step \2\3/p'
assert given diffc train smld.json --dry-run --set method.sigma_max=5 --set method.levels=10 --set sample.langevin_step=1e-5 >plan
sed -n '/^  method/,/^  network/p' plan | sed '$d'
sed 's/"method": .*/"method": {"type": "sde", "sde": "ve"},/; s/"sample": .*/"sample": {}/' tiny.json >ve.json
assert plan diffc train ve.json --dry-run >plan
sed -n '/^  method/,/^  network/p' plan | sed '$d'
assert train diffc train smld.json -q --steps 1 --set method.levels=10 --out run >/dev/null
assert sample diffc sample -m run --count 2 >/dev/null 2>said
grep -o 'sampler langevin, .*Langevin step [^,]*' said
grep -o '[0-9]* network calls each' said
# Thousands of images of noise are all about as far apart: not all of their pairs are compared.
{
    printf '\000\000\010\003\000\000\021\060\000\000\000\020\000\000\000\020'
    awk 'BEGIN { for (i = 0; i < 4400 * 256; i++) { x = (x * 16807 + 12345) % 2147483647; printf "%c", 1 + int(x / 65536) % 255 } }'
} >noise-images-idx3-ubyte
assert plan diffc train smld.json --dry-run --set data.path=noise-images-idx3-ubyte >plan
grep 'largest distance' plan
#>   method       smld, 40 noise levels from 2.244 down to 0.01, predicts score
#>                2.244 is the largest distance between two training images
#>                neighbouring levels 1.149 apart, Langevin step 1.6e-05
#> ratio 1.1488 step 1.597e-05
#>   method       smld, 10 noise levels from 5 down to 0.01, predicts score
#>                neighbouring levels 1.995 apart, Langevin step 1e-05
#>   method       sde ve, noise from 0.01 to 2.244, predicts score
#>                2.244 is the largest distance between two training images
#> sampler langevin, 10 steps, Langevin step 3.17e-05
#> 51 network calls each
#>                15.65 is a lower bound of the largest distance between two training images
