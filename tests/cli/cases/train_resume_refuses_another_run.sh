# A run cannot become another one: exit 2, both values, and not a byte of its files changes.
diffc train tiny.json -q --out run --steps 2
sum() { find run -type f | LC_ALL=C sort | xargs cksum; }
sum >before
for change in method.prediction=v method.schedule=cosine method.steps=30 model.flip_sin_to_cos=true model.eps=1e-5 \
    model.groups=1 model.downsample_padding=1 'model.input_fourier=[6]' data.limit=32 train.seed=3 train.init=other; do
    diffc train tiny.json -q --out run --resume --steps 3 --set "$change"
    assert "exit 2" test $? -eq 2
    diffc train -q --out run --resume --steps 3 --set "$change" 2>/dev/null
    assert "exit 2 without CONFIG.json" test $? -eq 2
    sum >after
    assert "$change left the files alone" cmp before after
done
diffc train tiny.json --out run --resume --steps 3 --set train.lr=1e-3 --set train.keep=5 2>said
grep -e '->' said
