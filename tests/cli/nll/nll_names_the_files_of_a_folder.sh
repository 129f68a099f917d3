# The images of a folder are known by their files, also where some are left out.
assert train diffc train tiny.json -q --steps 1 --out run >/dev/null
mkdir -p set/train/shirt set/test/shirt set/test/shoe
assert images diffc sample -q -m run --count 5 --steps 1 --out-dir set/train/shirt >/dev/null
mv set/train/shirt/000001.png 'set/test/shirt/one, "two".png'
mv set/train/shirt/000003.png set/test/shoe/
nll() { diffc nll -q -m run --protocol bound --calls 4 "$@"; }
nll --data set --json | sed 's/,"bits.*//'
nll --data set/train --csv all.csv >/dev/null
nll --data set/train --csv some.csv --count 2 >/dev/null
cut -d, -f1 all.csv some.csv
diffc nll -q -m run --data set/test --per-step steps.csv >/dev/null
sed 's/,[0-9a-z]*,[-0-9.e]*,[-0-9.e]*$//' steps.csv | uniq
echo "the same figures as by name:"
nll set/train/shirt/*.png --csv named.csv >/dev/null
cmp named.csv all.csv
#> {"image":"set/test/shirt/one, \"two\".png"
#> {"image":"set/test/shoe/000003.png"
#> {"event":"summary","count":2
#> image
#> set/train/shirt/000000.png
#> set/train/shirt/000002.png
#> set/train/shirt/000004.png
#> image
#> set/train/shirt/000000.png
#> set/train/shirt/000002.png
#> image,step,nats,bits_per_dim
#> "set/test/shirt/one, ""two"".png"
#> set/test/shoe/000003.png
#> the same figures as by name:
