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
#> run
#> run
#> train.steps: 2 -> 3
#> train.lr: 0.0002 -> 0.001
#> train.keep: 2 -> 5
#2> diffc train: run: --resume cannot change these keys: method.prediction is "eps" in the run, but "v" here; keep the run's own values (they are taken when CONFIG.json is left out) or start a new run
#2> Try 'diffc train --help'.
#2> diffc train: run: --resume cannot change these keys: method.schedule is "linear" in the run, but "cosine" here; keep the run's own values (they are taken when CONFIG.json is left out) or start a new run
#2> Try 'diffc train --help'.
#2> diffc train: run: --resume cannot change these keys: method.steps is 20 in the run, but 30 here; keep the run's own values (they are taken when CONFIG.json is left out) or start a new run
#2> Try 'diffc train --help'.
#2> diffc train: run: --resume cannot change these keys: model.flip_sin_to_cos is false in the run, but true here; keep the run's own values (they are taken when CONFIG.json is left out) or start a new run
#2> Try 'diffc train --help'.
#2> diffc train: run: --resume cannot change these keys: model.eps is 1e-06 in the run, but 1e-05 here; keep the run's own values (they are taken when CONFIG.json is left out) or start a new run
#2> Try 'diffc train --help'.
#2> diffc train: run: --resume cannot change these keys: model.groups is 4 in the run, but 1 here; keep the run's own values (they are taken when CONFIG.json is left out) or start a new run
#2> Try 'diffc train --help'.
#2> diffc train: run: --resume cannot change these keys: model.downsample_padding is 0 in the run, but 1 here; keep the run's own values (they are taken when CONFIG.json is left out) or start a new run
#2> Try 'diffc train --help'.
#2> diffc train: run: --resume cannot change these keys: model.input_fourier is [] in the run, but [6] here; keep the run's own values (they are taken when CONFIG.json is left out) or start a new run
#2> Try 'diffc train --help'.
#2> diffc train: run: belongs to other data: the number of images is 64 in the run, but 32 in these; a run is resumed with its own data, wherever they lie
#2> Try 'diffc train --help'.
#2> diffc train: run: --resume cannot change these keys: train.seed is 0 in the run, but 3 here; keep the run's own values (they are taken when CONFIG.json is left out) or start a new run
#2> Try 'diffc train --help'.
#2> diffc train: run: --resume cannot change these keys: train.init is "" in the run, but "other" here; keep the run's own values (they are taken when CONFIG.json is left out) or start a new run
#2> Try 'diffc train --help'.
