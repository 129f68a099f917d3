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
diffc nll -m run --data im --csv set.csv 2>&1 >/dev/null | grep 'class'
cut -d , -f 1,8,9 set.csv
# An image that is changed, and what lies between two seeds, have none either.
diffc sample -q -m run --from im/000000.png --strength 0.3 --steps 2 --sampler ddim --count 2 --json --out from.png | grep -o '"labels"\|"network_calls":[0-9]*'
diffc sample -q -m run --between 1 2 --steps 2 --sampler ddim --count 2 --json --out between.png | grep -o '"labels"\|"network_calls":[0-9]*'
diffc sample -q -m run --steps 2 --sampler ddim --count 2 --json --out own.png | grep -o '"labels"\|"guidance[a-z_]*":[0-9]*'
# The run's guidance waits for a class; one that is asked for needs it.
assert restore diffc restore -q -m run im/000000.png --scale 2 --by replace --count 1 --steps 2 --out r.png >/dev/null
diffc restore -q -m run im/000000.png --scale 2 --by replace --count 1 --steps 2 --out r.png --guidance 3
#exit 2
#> nll:0
#> nll--label 0:1
#> im: its images have no class labels and are taken as of no class
#> image,label,class
#> im/000000.png,,
#> "network_calls":1
#> "network_calls":2
#> "labels"
#> "guidance":2
#> "guidance_low":0
#2> diffc restore: guidance is towards a class; give that of the image with --label
#2> Try 'diffc restore --help'.
