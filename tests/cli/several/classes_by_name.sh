# Classes of a folder: in natural order, called by name, in every output, and matched by name where images are scored.
assert base diffc train tiny.json -q --steps 1 --out base >/dev/null
mkdir -p set/2 set/10 "set/wild cat"
assert images diffc sample -q -m base --count 12 --steps 2 --out-dir all >/dev/null
mv all/00000[0-3].png set/2
mv all/00000[4-7].png set/10
mv all/0000*.png "set/wild cat"
train='diffc train tiny.json -q --set data.path=set --set data.validation=2 --set model.class_conditional=true --set train.lr=0.01 --set train.checkpoint_every=0'
assert train $train --steps 60 --out run >/dev/null
grep class_names run/model/unet/config.json
diffc info run | grep '^  \(network\|classes\)'
diffc info run/model | grep '^  classes'
diffc info run/model --json | grep -o '"classes":3,"class_names":\[[^]]*\]'
text() { LC_ALL=C grep -ao "$2" "$1"; }
# A row for each class; image k is the same alone.
assert grid diffc sample -q -m run --steps 2 --per-class 2 --seed 7 --out grid.png --npz grid.npz --out-dir one --json >json
grep -o '"images":6\|"labels".*"wild cat"\]' json
text grid.png 'seed 7, [a-z0-9 :,()]*)'
# 6 images of 16 rows and 16 columns in 2 columns with 2 pixels between: 34 x 52.
od -An -tu1 -j16 -N8 grid.png
for k in 7 10 12; do
    class=$(text one/0000$(printf %02d $k).png 'class [0-9]* ([a-z0-9 ]*)')
    echo "image $k: $class"
    name=${class#*(}
    assert alone diffc sample -q -m run --steps 2 --count 1 --seed $k --label "${name%)}" --out-dir alone$k >/dev/null
    assert "image $k" cmp -s one/0000$(printf %02d $k).png alone$k/0000$(printf %02d $k).png
done
# Labels are int64, as guided-diffusion's evaluation takes them.
at=$(LC_ALL=C grep -abo "{'descr': '<i8', 'fortran_order': False, 'shape': (6,), }" grid.npz | head -n 1 | cut -d: -f1)
od -An -td8 -w48 -j$((at - 10 + 128)) -N48 grid.npz
diffc sample -q -m run --steps 2 --count 4 --seed 1 --json --out turn.png | grep -o '"labels":[^]]*.'
text turn.png 'seed 1, [a-z0-9 :,()]*)'
# A name that is another's number is the name, which is said.
diffc sample -m run --steps 2 --count 1 --label 2 --out two.png 2>&1 | grep '^note'
diffc sample -q -m run --label 'wild-cta'
diffc sample -q -m run --label zebra
diffc sample -q -m run --label cats
diffc sample -q -m run --label 3
diffc nll -q -m run all/000000.png
diffc sample -q -m run --per-class 2 --label 2
diffc sample -q -m run --per-class 2 --count 3
diffc sample -q -m run --per-class 2 --between 1 2
diffc sample -q -m base --per-class 2
diffc sample -q -m base --label 2
diffc sample -q -m run --per-class 5000000
#exit 2
#>   "class_names": ["2", "10", "wild cat"],
#>   network      16x16x1, channels 8 16, 1 block a level, attention at 8x8, 3 classes
#>   classes      2, 10, wild cat
#>   classes      2, 10, wild cat
#> "classes":3,"class_names":["2","10","wild cat"]
#> "images":6
#> "labels":[0,0,1,1,2,2],"class_names":["2","10","wild cat"]
#> seed 7, a row for each class: 0 (2), 1 (10), 2 (wild cat)
#>    0   0   0  34   0   0   0  52
#> image 7: class 0 (2)
#> image 10: class 1 (10)
#> image 12: class 2 (wild cat)
#>                     0                    0                    1                    1                    2                    2
#> "labels":[1,2,0,1]
#> seed 1, classes in turn: 1 (10), 2 (wild cat), 0 (2)
#> note: --label 2 is class 0 (2) by its name; class 2 (wild cat) is another
#2> diffc sample: --label is 'wild-cta', which is no class of the model; did you mean 'wild cat'?
#2> Try 'diffc sample --help'.
#2> diffc sample: --label is 'zebra', which is no class of the model; its classes are 2, 10 and wild cat (0 to 2)
#2> Try 'diffc sample --help'.
#2> diffc sample: --label is 'cats', which is no class of the model; did you mean 'wild cat'?
#2> Try 'diffc sample --help'.
#2> diffc sample: --label is 3; the model's classes are 2, 10 and wild cat (0 to 2)
#2> Try 'diffc sample --help'.
#2> diffc nll: the model has classes: --label must say which class the images have: 2, 10 and wild cat (0 to 2)
#2> Try 'diffc nll --help'.
#2> diffc sample: --per-class makes so many images of each class; leave --label out
#2> Try 'diffc sample --help'.
#2> diffc sample: --per-class makes so many images of each class; leave --count out
#2> Try 'diffc sample --help'.
#2> diffc sample: --between and --per-class both say which images are drawn; give one of them
#2> Try 'diffc sample --help'.
#2> diffc sample: --per-class is given, but the model has no classes
#2> Try 'diffc sample --help'.
#2> diffc sample: --label is given, but the model has no classes
#2> Try 'diffc sample --help'.
#2> diffc sample: --per-class is 5000000, which is 15000000 images of 3 classes; it must be at most 3333333
#2> Try 'diffc sample --help'.
