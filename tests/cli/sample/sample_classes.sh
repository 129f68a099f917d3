# The class goes by the seed, so image 5 is the same alone and in a row; --label fixes it.
mkdir data && mv images-idx3-ubyte data/train-images-idx3-ubyte
{ printf '\000\000\010\001\000\000\000\100'; yes abc | tr -d '\n' | tr 'abc' '\000\001\002' | head -c 64; } >data/train-labels-idx1-ubyte
assert train diffc train tiny.json -q --out run --set data.path=data --set model.class_conditional=true \
    --set train.lr=0.01 --steps 60 --set train.checkpoint_every=0 >/dev/null
assert row diffc sample -q -m run --seed 3 --count 4 --batch 3 --npz a.npz --out-dir row >/dev/null
assert alone diffc sample -q -m run --seed 5 --count 1 --out-dir alone >/dev/null
assert fixed diffc sample -q -m run --seed 5 --count 1 --label 2 --out-dir fixed >/dev/null
assert other diffc sample -q -m run --seed 5 --count 1 --label 0 --out-dir other >/dev/null
pixels() { tail -c 200 "$1/000005.png" | cksum; }
assert "alone as in the row" test "$(pixels row)" = "$(pixels alone)"
assert "seed 5 is class 2" test "$(pixels row)" = "$(pixels fixed)"
assert "another class, another image" test "$(pixels row)" != "$(pixels other)"
diffc sample -q -m run --label 3
#exit 2
#2> diffc sample: --label is 3; the model's classes are 0 to 2
#2> Try 'diffc sample --help'.
