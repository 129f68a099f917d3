# The class is asked for, and matters.
mkdir data && mv images-idx3-ubyte data/train-images-idx3-ubyte
{ printf '\000\000\010\001\000\000\000\100'; yes abc | tr -d '\n' | tr 'abc' '\000\001\002' | head -c 64; } >data/train-labels-idx1-ubyte
assert train diffc train tiny.json -q --out run --set data.path=data --set model.class_conditional=true \
    --set train.lr=0.01 --steps 60 --set train.checkpoint_every=0 >/dev/null
assert sample diffc sample -q -m run --count 1 --out-dir im >/dev/null
diffc nll -q -m run --label 0 im/000000.png >zero
diffc nll -q -m run --label 1 im/000000.png >one
assert "another class, another figure" test "$(cat zero)" != "$(cat one)"
diffc nll -q -m run im/000000.png
#exit 2
#2> diffc nll: the model has classes: --label must say which class the images have: 0 to 2
#2> Try 'diffc nll --help'.
