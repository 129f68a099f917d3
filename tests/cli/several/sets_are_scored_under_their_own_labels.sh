# A labelled set is scored under its own labels, matched by name: each image as alone with --label.
assert base diffc train tiny.json -q --steps 1 --out base >/dev/null
mkdir -p set/2 set/10 set/cat test/cat test/2
assert images diffc sample -q -m base --count 12 --steps 2 --out-dir all >/dev/null
mv all/00000[0-3].png set/2
mv all/00000[4-7].png set/10
mv all/0000*.png set/cat
train='diffc train tiny.json -q --set data.path=set --set data.validation=2 --set model.class_conditional=true --set train.lr=0.01 --set train.checkpoint_every=0'
assert train $train --steps 20 --out run >/dev/null
# In the test set the classes have other numbers than in the training set.
cp set/cat/000008.png set/cat/000009.png test/cat
cp set/2/000001.png set/2/000003.png test/2
for how in "bound --calls 20" "ode --dequant 2 --tolerance 0.05 --probes 2"; do
    diffc nll -q -m run --data test --batch 3 --csv own.csv --json --protocol $how >own || exit 1
    cut -d, -f1,8,9 own.csv
    for image in test/2/000001.png test/2/000003.png test/cat/000008.png test/cat/000009.png; do
        label=${image#test/}
        diffc nll -q -m run --label "${label%/*}" --json --protocol $how "$image" >alone || exit 1
        assert "$how $image is as alone" grep -qxFf alone own
    done
    # As another class the same images get other figures.
    diffc nll -q -m run --data test --label cat --json --protocol $how >cat || exit 1
    assert "other figures" test "$(grep -o '"bits_per_dim":[^,]*' own)" != "$(grep -o '"bits_per_dim":[^,]*' cat)"
done
# The mean of the two classes is that of the whole, whatever the batch.
mean() { diffc denoise -q -m run --sigma 20 --json "$@" | sed 's/.*"squared_error":\([^,]*\).*/\1/'; }
mkdir cats && cp -r test/cat cats
mkdir two && cp -r test/2 two
echo "$(mean --data test) $(mean --data cats) $(mean --data two) $(mean --data cats --label cat) $(mean --data two --label 2)" |
    awk '{ d = $1 - ($2 + $3) / 2; print (d < 1e-9 && d > -1e-9), $2 == $4, $3 == $5 }'
assert "the label matters" test "$(mean --data two)" != "$(mean --data two --label cat)"
diffc nll -q -m run --data test --variance fitted --fit-count 4 --calls 20 >/dev/null
diffc sample -q -m run --spacing dp --steps 3 --count 2 --out-dir dp >/dev/null
# What cannot be matched.
mkdir -p test/dog && cp set/cat/000008.png test/dog
diffc nll -q -m run --data test --calls 20
diffc denoise -q -m run --data test --sigma 20
rm -r test/dog && cp set/cat/000008.png test/
diffc nll -q -m run --data test --calls 20
diffc nll -q -m run --data images-idx3-ubyte --calls 20
# Classes that are called by numbers: the labels of an IDX set are these names, not places in the model's list.
mv set/10 set/1 && mv set/cat set/3 && mkdir mn && cp images-idx3-ubyte mn/t10k-images-idx3-ubyte
labels() { { printf '\000\000\010\001\000\000\000\100'; yes "$1" | tr -d '\n' | tr 0123 '\000\001\002\003' | head -c 64; } >mn/t10k-labels-idx1-ubyte; }
assert train $train --steps 5 --out numbers >/dev/null
labels 312
diffc nll -q -m numbers --data mn --count 3 --calls 4 --json | grep -o '"label":.*'
assert "eval takes the class that is called 3" diffc eval -q -m numbers --data mn --part test --label 3 --count 8 --steps 1 >/dev/null
diffc sample -q -m numbers --label 0
labels 0
diffc nll -q -m numbers --data mn --calls 4
diffc denoise -q -m numbers --data mn --sigma 20
diffc eval -q -m numbers --data mn --part test --label 1 --count 8 --steps 1
#exit 2
#> image,label,class
#> test/2/000001.png,0,2
#> test/2/000003.png,0,2
#> test/cat/000008.png,2,cat
#> test/cat/000009.png,2,cat
#> image,label,class
#> test/2/000001.png,0,2
#> test/2/000003.png,0,2
#> test/cat/000008.png,2,cat
#> test/cat/000009.png,2,cat
#> 1 1 1
#> "label":2,"class":"3"}
#> "label":0,"class":"1"}
#> "label":1,"class":"2"}
#2> diffc nll: test: has images of the class dog, which is no class of the model; leave them out, or give the class of all images with --label
#2> Try 'diffc nll --help'.
#2> diffc denoise: test: has images of the class dog, which is no class of the model; leave them out, or give the class of all images with --label
#2> Try 'diffc denoise --help'.
#2> diffc nll: test: the model has classes, but these images have no class labels: the image 000008.png lies beside the 2 folders; each must lie in the folder of its class; give the class of all of them with --label
#2> Try 'diffc nll --help'.
#2> diffc nll: images-idx3-ubyte: the model has classes, but these images have no class labels: there is no labels-idx1-ubyte; give the class of all of them with --label
#2> Try 'diffc nll --help'.
#2> diffc sample: --label is '0', which is no class of the model; did you mean '1'?
#2> Try 'diffc sample --help'.
#2> diffc nll: mn: has images of the class 0, which is no class of the model; leave them out, or give the class of all images with --label
#2> Try 'diffc nll --help'.
#2> diffc denoise: mn: has images of the class 0, which is no class of the model; leave them out, or give the class of all images with --label
#2> Try 'diffc denoise --help'.
#2> diffc eval: mn: has no images of class 0 (1), which --label gives
#2> Try 'diffc eval --help'.
