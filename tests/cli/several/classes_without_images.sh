# Labels 1 and 2 make three classes, of which class 0 is never trained: it is said and never drawn.
{
    printf '\000\000\010\001\000\000\000\100'
    for i in 1 2 3 4 5 6 7 8; do printf '\001\002\001\002\001\002\001\002'; done
} >labels-idx1-ubyte
train='diffc train tiny.json -q --set model.class_conditional=true'
assert train $train --out run --steps 60 --set train.lr=0.01 --set train.checkpoint_every=0 >/dev/null
$train --dry-run | grep '^  network'
$train --dry-run --json | grep -o '"classes":3,"untrained_classes":\[0\]'
diffc info run | grep '^  network'
grep -A1 untrained run/model/unet/config.json
# Image k has class 1 or 2 by its seed: the pictures made one by one with that label are the same.
assert auto diffc sample -q -m run --steps 2 --count 4 --out-dir auto >/dev/null
for k in 0 1 2 3; do
    assert one diffc sample -q -m run --steps 2 --count 1 --seed $k --label $((k % 2 + 1)) --out-dir one$k >/dev/null
    assert "image $k" cmp -s auto/00000$k.png one$k/00000$k.png
    assert other diffc sample -q -m run --steps 2 --count 1 --seed $k --label $((2 - k % 2)) --out-dir other$k >/dev/null
    cmp -s auto/00000$k.png other$k/00000$k.png && echo "image $k looks the same in both classes"
done
diffc sample -m run --steps 2 --label 0
diffc nll -m run --label 0 "$REPOSITORY/data/boot.png"
assert resume diffc train --resume -q --out run --steps 62 >/dev/null
diffc info run | grep '^  network'
# Where the classes have names, those are marked.
assert named $train --out named --steps 1 --set data.class_names=none,bag,shoe >/dev/null
diffc info named | grep '^  classes'
assert report diffc report -q named >/dev/null
grep -o '<td>none[^<]*' named/report.html
grep -o '<li>[a-z, ]*</li>' named/report.html
# A folder of classes with a stray image, and one class alone.
mkdir -p set/a set/b one/a
for folder in set/a set/b set one/a; do cp "$REPOSITORY/data/boot.png" $folder/1.png; done
diffc train tiny.json --set model.class_conditional=true --set data.path=set --dry-run --set data.size=16 --set data.validation=0
diffc train tiny.json --set model.class_conditional=true --set data.path=one --dry-run --set data.size=16 --set data.validation=0
rm labels-idx1-ubyte
diffc train tiny.json --set model.class_conditional=true --dry-run
#exit 2
#>   network      16x16x1, channels 8 16, 1 block a level, attention at 8x8, 3 classes, those without training images are never drawn: 0
#> "classes":3,"untrained_classes":[0]
#>   network      16x16x1, channels 8 16, 1 block a level, attention at 8x8, 3 classes, those without training images are never drawn: 0
#>   "untrained_classes": [0],
#>   "up_block_types": [
#>   network      16x16x1, channels 8 16, 1 block a level, attention at 8x8, 3 classes, those without training images are never drawn: 0
#>   classes      none (never drawn), bag, shoe
#> <td>none (never drawn), bag, shoe
#> <td>none
#> <li>bag, shoe</li>
#> <li>bag, shoe</li>
#2> diffc sample: --label is 0, but no training image had this class, so the model cannot draw it
#2> Try 'diffc sample --help'.
#2> diffc nll: --label is 0, but no training image had this class, so the model cannot draw it
#2> Try 'diffc nll --help'.
#2> diffc train: model.class_conditional is true, but the data has no class labels: the image 1.png lies beside the 2 folders; each must lie in the folder of its class
#2> Try 'diffc train --help'.
#2> diffc train: model.class_conditional is true, but all training images have one class
#2> Try 'diffc train --help'.
#2> diffc train: model.class_conditional is true, but the data has no class labels: there is no labels-idx1-ubyte
#2> Try 'diffc train --help'.
