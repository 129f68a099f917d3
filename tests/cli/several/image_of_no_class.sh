# A model that was trained without classes too takes an image whose class nobody says as one of no class.
mkdir data && mv images-idx3-ubyte data/train-images-idx3-ubyte
{ printf '\000\000\010\001\000\000\000\100'; yes abc | tr -d '\n' | tr 'abc' '\000\001\002' | head -c 64; } >data/train-labels-idx1-ubyte
assert train diffc train tiny.json -q --out run --set data.path=data --set model.class_conditional=true \
    --set train.label_dropout=0.5 --set train.lr=0.01 --steps 60 --set train.checkpoint_every=0 --set sample.guidance=2 >/dev/null
assert sample diffc sample -q -m run --count 1 --steps 2 --out-dir im >/dev/null
for label in '' '--label 0' '--label 1'; do
    # shellcheck disable=SC2086 # no word or two
    diffc nll -q -m run --json $label im/000000.png >"nll$label"
    # shellcheck disable=SC2086
    assert denoise diffc denoise -q -m run $label --sigma 20 im/000000.png --out "clean$label.png" >/dev/null
done
bits() { grep -o '"bits_per_dim":[0-9.]*' "$1"; }
assert "other bits" test "$(bits nll)" != "$(bits 'nll--label 0')" -a "$(bits nll)" != "$(bits 'nll--label 1')"
assert "another image" test "$(cksum <clean.png)" != "$(cksum <'clean--label 0.png')"
grep -c '"label"' nll 'nll--label 0'
# Images without labels, as a set; the table has an empty class.
diffc nll -q -m run --data im --csv set.csv >/dev/null
cut -d , -f 1,8,9 set.csv
# The run's guidance waits for a class; one that is asked for needs it.
assert restore diffc restore -q -m run im/000000.png --scale 2 --by replace --count 1 --steps 2 --out r.png >/dev/null
diffc restore -q -m run im/000000.png --scale 2 --by replace --count 1 --steps 2 --out r.png --guidance 3
#exit 2
#> nll:0
#> nll--label 0:1
#> image,label,class
#> im/000000.png,,
#2> diffc restore: guidance is towards a class; give that of the image with --label
#2> Try 'diffc restore --help'.
