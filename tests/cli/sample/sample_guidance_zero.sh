# Guidance 0 draws images of no class, by one prediction a step: they name none, whatever the label.
mkdir data && mv images-idx3-ubyte data/train-images-idx3-ubyte
{ printf '\000\000\010\001\000\000\000\100'; yes abc | tr -d '\n' | tr 'abc' '\000\001\002' | head -c 64; } >data/train-labels-idx1-ubyte
assert train diffc train tiny.json -q --out run --set data.path=data --set train.lr=0.01 --set train.checkpoint_every=0 \
    --steps 30 --set model.class_conditional=true --set train.label_dropout=0.2 >/dev/null
sample='diffc sample -q -m run --seed 5 --steps 2 --sampler ddim --json'
for label in '' '--label 1'; do
    # shellcheck disable=SC2086 # no word or two
    $sample --count 2 --guidance 0 $label --out "none$label.png" --npz none.npz | grep -o '"labels"\|"steps".*' | sed 's/"threads":[0-9]*/"threads":T/'
    assert "no labels" sh -c '! grep -q arr_1 none.npz'
done
assert "the label changes nothing" test "$(tail -c 300 none.png | cksum)" = "$(tail -c 300 'none--label 1.png' | cksum)"
LC_ALL=C grep -ao 'guidance 0, seed 5' none.png
# At the other levels guidance is 1, so these have a class.
$sample --count 2 --guidance 0 --guidance-high 0.2 --out some.png --npz some.npz | grep -o '"labels":[^]]*.'
assert "labels" grep -q arr_1 some.npz
# A class that is asked for wins over the configuration's guidance 0, not over --guidance 0.
sed 's/"guidance": 1/"guidance": 0/' run/config.json >changed && cat changed >run/config.json
pixels() { tail -c 300 "$1" | cksum; }
for class in '--count 2' '--label 1 --count 2' '--per-class 2'; do
    # shellcheck disable=SC2086 # several words
    diffc sample -m run --seed 5 --steps 2 --sampler ddim $class --out own.png 2>&1 >/dev/null | grep '^note'
    # shellcheck disable=SC2086
    $sample $class --guidance 1 --out one.png >/dev/null
    if test "$(pixels own.png)" = "$(pixels one.png)"; then echo "$class: as guidance 1"; else echo "$class: another"; fi
done
$sample --per-class 2 --guidance 0
#exit 2
#> "steps":2,"seed":5,"batch":2,"threads":T,"guidance":0}
#> "steps":2,"seed":5,"batch":2,"threads":T,"guidance":0}
#> guidance 0, seed 5
#> "labels":[2,0]
#> --count 2: another
#> note: guidance is 1 instead of the configuration's 0, which leaves the class out
#> --label 1 --count 2: as guidance 1
#> note: guidance is 1 instead of the configuration's 0, which leaves the class out
#> --per-class 2: as guidance 1
#2> diffc sample: --per-class draws each class, but guidance is 0, which leaves the class out
#2> Try 'diffc sample --help'.
