# Of a folder with train/ and test/ the first is trained on, with the classes inside it, and the second
# is scored.
assert train diffc train tiny.json -q --steps 1 --out run >/dev/null
mkdir -p set/train/shirt set/train/shoe set/test/shirt
assert images diffc sample -q -m run --count 7 --out-dir set/train/shirt >/dev/null
mv set/train/shirt/00000[0-3].png set/train/shoe
mv set/train/shirt/000006.png set/test/shirt
assert plan diffc train tiny.json --set data.path=set --set data.validation=1 --dry-run >plan
grep '^  data' plan
diffc nll -m run --data set --protocol bound --calls 4 --csv scores.csv >/dev/null 2>said
grep -o 'set: .*' said
tail -n 1 scores.csv | cut -d, -f1,5
diffc nll -m run --data set --part train --protocol bound --calls 4 --csv scores.csv >/dev/null 2>said
grep -o 'set: .*' said
#>   data         6 grey images of 16x16 (folder train), 2 classes
#> set: 1 grey image of 16x16 (folder test), 1 class, test part
#> set/test/shirt/000006.png,bound
#> set: 6 grey images of 16x16 (folder train), 2 classes
