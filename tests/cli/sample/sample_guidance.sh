# Guidance: 1 is off, 0 leaves the class out, more differs by class; the picture of a seed is the same in any batch.
mkdir data && mv images-idx3-ubyte data/train-images-idx3-ubyte
{ printf '\000\000\010\001\000\000\000\100'; yes abc | tr -d '\n' | tr 'abc' '\000\001\002' | head -c 64; } >data/train-labels-idx1-ubyte
train='diffc train tiny.json -q --set data.path=data --set train.lr=0.01 --set train.checkpoint_every=0'
assert train $train --out run --steps 60 --set model.class_conditional=true --set train.label_dropout=0.2 >/dev/null
assert plain $train --out runs/plain --steps 2 --set model.class_conditional=true >/dev/null
assert none $train --out none --steps 2 >/dev/null
make() { # NAME OPTIONS...: the image of seed 5
    name=$1
    shift
    assert "$name" diffc sample -q -m run --seed 5 --count 1 --out-dir "$name" "$@" >/dev/null
}
pixels() { tail -c 200 "$1/000005.png" | cksum; }
make off && make one --guidance 1 && make two --guidance 2 && make high --guidance 2 --guidance-high 0.2
assert "1 is off, to the byte" cmp -s off/000005.png one/000005.png
assert "2 differs" test "$(pixels off)" != "$(pixels two)"
assert "an interval differs" test "$(pixels high)" != "$(pixels two)"
for label in 0 1; do make zero$label --guidance 0 --label $label && make two$label --guidance 2 --label $label; done
assert "0 leaves the class out" test "$(pixels zero0)" = "$(pixels zero1)"
assert "2 does not" test "$(pixels two0)" != "$(pixels two1)"
assert row diffc sample -q -m run --seed 3 --count 4 --batch 3 --threads 2 --guidance 2 --out-dir row >/dev/null
assert "alone as in the row" test "$(pixels row)" = "$(pixels two)"
strings -n 8 high/000005.png | grep -o 'guidance.*'
for sampler in ddpm ddim heun dpm++2m unipc ancestral langevin plain-langevin reverse-sde pc; do
    assert $sampler diffc sample -q -m run --sampler $sampler --steps 12 --count 2 --guidance 1.5 --out-dir s-$sampler >/dev/null
done
assert ode diffc sample -q -m run --sampler ode --tolerance 0.1 --count 2 --guidance 1.5 --out-dir s-ode >/dev/null
# Restoring by gradient takes guidance: by W the two predictions are mixed, 1 is off.
restore() { # NAME OPTIONS...
    name=$1
    shift
    assert "restore $name" diffc restore -q -m run two/000005.png --scale 2 --label 1 --seed 5 --count 1 --out-dir "$name" "$@" >/dev/null
}
restore r-off && restore r-one --guidance 1 && restore r-two --guidance 2 && restore r-replace --guidance 2 --by replace
assert "1 restores as off" cmp -s r-off/000005.png r-one/000005.png
assert "2 restores differently" test "$(pixels r-off)" != "$(pixels r-two)"
assert "and not as replacing" test "$(pixels r-replace)" != "$(pixels r-two)"
assert three diffc restore -q -m run two/000005.png --scale 2 --label 1 --seed 4 --count 3 --batch 2 --threads 2 --guidance 2 --out-dir r-three >/dev/null
assert "alone as among three" test "$(pixels r-three)" = "$(pixels r-two)"
diffc sample -m run --count 2 --guidance 3 --out-dir said 2>&1 | grep -o 'sampler ddim.*guidance 3'
diffc sample -q -m run --count 2 --guidance 3 --out-dir said --json | grep -o '"steps":4,"guidance":3'
diffc sample -q -m runs/plain --guidance 2
diffc sample -q -m none --guidance 2
diffc sample -q -m run --guidance 2 --guidance-low 3 --guidance-high 2
diffc sample -q -m run --guidance-low 3
diffc sample -q --guidance 2
mv run runs/guided && touch runs/plain/stats.jsonl
diffc sample --guidance 2 --count 1 --out-dir newest 2>&1 | grep '^model'
diffc info runs/guided | grep -o '3 classes.*'
diffc train tiny.json --dry-run --set train.label_dropout=0.1
#exit 2
#> guidance 2, guidance-high 0.2, clip yes, seed 5, class 2
#> sampler ddim, 4 steps, guidance 3
#> "steps":4,"guidance":3
#> model: runs/guided (the newest run that can do this; runs/plain was trained without train.label_dropout)
#> 3 classes or none
#> 3 classes
#2> diffc sample: guidance is 2, but the model was trained without train.label_dropout, so it cannot predict without a class; train one with it, such as train.label_dropout=0.1
#2> Try 'diffc sample --help'.
#2> diffc sample: guidance is 2, but the model has no classes; guidance is towards a class and needs a model trained with train.label_dropout
#2> Try 'diffc sample --help'.
#2> diffc sample: guidance acts above noise 3 (guidance_low) and up to 2 (guidance_high), which leaves no level; the first must be below the second
#2> Try 'diffc sample --help'.
#2> diffc sample: noise levels for guidance are given, but guidance is 1, which is off; set guidance, such as 2
#2> Try 'diffc sample --help'.
#2> diffc sample: guidance is 2, but the model was trained without train.label_dropout, so it cannot predict without a class; train one with it, such as train.label_dropout=0.1
#2> Try 'diffc sample --help'.
#2> diffc train: train.label_dropout is 0.1, but model.class_conditional is false, so there is no label to leave out; set model.class_conditional
#2> Try 'diffc train --help'.
