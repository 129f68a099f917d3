# What holds no usable weights of pytorch-fid's Inception v3 is refused in one sentence before any image is made or compared.
assert train diffc train tiny.json -q --out run >/dev/null
assert sample diffc sample -q -m run --count 5 --steps 1 --npz x.npz >/dev/null
byte() { printf '%b' "\\0$(printf '%o' "$1")"; }
safetensors() { # HEADER: and after it the data from stdin
    byte $((${#1} % 256)) && byte $((${#1} / 256)) && printf '\0\0\0\0\0\0%s' "$1" && cat
}
tensor() { # NAME TYPE SHAPE BEGIN END
    printf '"Conv2d_1a_3x3.%s":{"dtype":"%s","shape":[%s],"data_offsets":[%s,%s]}' "$@"
}
zeros() { head -c "$1" /dev/zero; }
first=$(tensor conv.weight F32 32,3,3,3 0 3456)
norm="$first,$(tensor bn.weight F32 32 3456 3584),$(tensor bn.bias F32 32 3584 3712)"
norm="$norm,$(tensor bn.running_mean F32 32 3712 3840),$(tensor bn.running_var F32 32 3840 3968)"
echo "no weights" >text
mkdir folder
printf x | safetensors '{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}' >other
zeros 1152 | safetensors "{$(tensor conv.weight F32 32,1,3,3 0 1152)}" >shape
zeros 3456 | safetensors "{$(tensor conv.weight I32 32,3,3,3 0 3456)}" >type
zeros 3456 | tr '\0' '\377' | safetensors "{$first}" >not-finite
zeros 3456 | safetensors "{$first}" >no-norm
{ zeros 3840 && zeros 128 | tr '\0' '\277'; } | safetensors "{$norm}" >variance
zeros 3968 | safetensors "{$norm}" >no-second
# torchvision's network has the same names and shapes, but a classifier of 1000 classes and a second one.
zeros 4000 | safetensors '{"fc.bias":{"dtype":"F32","shape":[1000],"data_offsets":[0,4000]}}' >classes
zeros 4032 | safetensors '{"fc.bias":{"dtype":"F32","shape":[1008],"data_offsets":[0,4032]}}' >right-classes
zeros 40 | safetensors '{"AuxLogits.fc.bias":{"dtype":"F32","shape":[10],"data_offsets":[0,40]}}' >second-classifier
head -c 3000 no-second >cut
head -c 300 no-second >cut-header
: >empty
for file in missing folder empty text other shape type not-finite no-norm variance no-second \
    classes right-classes second-classifier cut cut-header; do
    diffc eval -m run --count 4 -o nearest.png -q --features $file 2>&1
    echo "exit $?"
done
diffc eval -q x.npz --features no-second 2>&1 | sed '/^Try/d'
diffc eval -q x.npz --data images-idx3-ubyte --features 2>&1 | sed '/^Try/d'
assert alpha diffc train tiny.json -q --set data.channels=4 --steps 1 --out alpha >/dev/null
diffc eval -q -m alpha --count 4 --features no-second 2>&1 | sed '/^Try/d'
ls nearest.png 2>&1
#exit 2
#> diffc eval: missing: cannot open: No such file or directory
#> exit 1
#> diffc eval: folder: is a folder, expected a regular file
#> exit 1
#> diffc eval: empty: is empty, expected a safetensors file
#> exit 1
#> diffc eval: text: is text, expected a safetensors file
#> exit 1
#> diffc eval: other: tensor "Conv2d_1a_3x3.conv.weight" is missing: expected the Inception v3 of pytorch-fid ("diffc help eval" shows how its file is made)
#> exit 1
#> diffc eval: shape: tensor "Conv2d_1a_3x3.conv.weight" has shape [32, 1, 3, 3], but Inception v3 needs [32, 3, 3, 3]
#> exit 1
#> diffc eval: type: tensor "Conv2d_1a_3x3.conv.weight" has type I32; weights must be F32, F16, BF16 or F64
#> exit 1
#> diffc eval: not-finite: tensor "Conv2d_1a_3x3.conv.weight" holds a value that is not finite
#> exit 1
#> diffc eval: no-norm: tensor "Conv2d_1a_3x3.bn.weight" is missing: expected the Inception v3 of pytorch-fid ("diffc help eval" shows how its file is made)
#> exit 1
#> diffc eval: variance: tensor "Conv2d_1a_3x3.bn.running_var" holds the negative variance -1.49804
#> exit 1
#> diffc eval: no-second: tensor "Conv2d_2a_3x3.conv.weight" is missing: expected the Inception v3 of pytorch-fid ("diffc help eval" shows how its file is made)
#> exit 1
#> diffc eval: classes: tensor "fc.bias" has shape [1000], which is not that of 1008 classes: expected the Inception v3 of pytorch-fid ("diffc help eval" shows how its file is made)
#> exit 1
#> diffc eval: right-classes: tensor "Conv2d_1a_3x3.conv.weight" is missing: expected the Inception v3 of pytorch-fid ("diffc help eval" shows how its file is made)
#> exit 1
#> diffc eval: second-classifier: tensor "AuxLogits.fc.bias" belongs to another Inception v3, such as that of torchvision: expected the Inception v3 of pytorch-fid ("diffc help eval" shows how its file is made)
#> exit 1
#> diffc eval: cut: tensor "Conv2d_1a_3x3.conv.weight": data_offsets end at byte 3456, but the file holds 2567 bytes of data (is the file cut?)
#> exit 1
#> diffc eval: cut-header: says that its header has 425 bytes, but only 292 follow (is the file cut?)
#> exit 1
#> diffc eval: --data is missing: it names the data set with which x.npz is compared
#> diffc eval: --features needs a value: --features FILE
#> diffc eval: alpha: has images of 4 channels; Inception v3 takes grey and colour images (1 or 3 channels)
#> ls: cannot access 'nearest.png': No such file or directory
