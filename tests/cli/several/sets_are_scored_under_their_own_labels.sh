# A labelled set is scored under its own labels, matched by name: each image as alone with --label.
assert base diffc train tiny.json -q --steps 1 --out base >/dev/null
mkdir -p set/2 set/10 set/cat test/cat test/2
assert images diffc sample -q -m base --count 12 --steps 2 --out-dir all >/dev/null
mv all/00000[0-3].png set/2
mv all/00000[4-7].png set/10
mv all/0000*.png set/cat
train='diffc train tiny.json -q --set data.path=set --set data.validation=2 --set model.class_conditional=true --set train.lr=0.01 --set train.checkpoint_every=0'
assert train $train --steps 60 --out run >/dev/null
assert flow $train --steps 60 --out flow --set method.type=sde --set method.sde=vp >/dev/null
# In the test set the classes have other numbers than in the training set.
cp set/cat/000008.png set/cat/000009.png test/cat
cp set/2/000001.png set/2/000003.png test/2
for run in run flow; do
    diffc nll -q -m $run --data test --batch 3 --csv own.csv $([ $run = run ] && echo --calls 20 || echo --draws 1 --tolerance 0.01 --probes 2) --json >own || exit 1
    head -n 1 own.csv
    while IFS=, read -r image bits rest; do
        [ "$image" = image ] && continue
        label=${image#test/}
        diffc nll -q -m $run --label "${label%/*}" --json $([ $run = run ] && echo --calls 20 || echo --draws 1 --tolerance 0.01 --probes 2) "$image" >alone || exit 1
        echo "$run $image ${rest##*,} $(grep -c "\"bits_per_dim\":$bits" alone) $(grep -o '"label".*' alone)"
    done <own.csv
    # As another class the same images get other figures.
    diffc nll -q -m $run --data test --label cat $([ $run = run ] && echo --calls 20 || echo --draws 1 --tolerance 0.01 --probes 2) --json >cat
    assert "other figures" test "$(grep -o '"bits_per_dim":[^,]*' own | sort | uniq -c)" != "$(grep -o '"bits_per_dim":[^,]*' cat | sort | uniq -c)"
done
# The mean of the two classes is that of the whole, whatever the batch.
mean() { diffc denoise -q -m run --sigma 20 --json "$@" | sed 's/.*"squared_error":\([^,]*\).*/\1/'; }
mkdir alone && cp -r test/cat alone
mkdir two && cp -r test/2 two
echo "$(mean --data test) $(mean --data alone) $(mean --data two) $(mean --data alone --label cat) $(mean --data two --label 2)" |
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
#exit 2
