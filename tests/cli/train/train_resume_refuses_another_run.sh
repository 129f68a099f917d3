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
#2> diffc train: run: cannot be resumed as another run: method.prediction is "eps" in the run, but "v" here; leave such keys as they were (without CONFIG.json the run's own configuration is taken), or start a new run
#2> Try 'diffc train --help'.
#2> diffc train: run: cannot be resumed as another run: method.schedule is "linear" in the run, but "cosine" here; leave such keys as they were (without CONFIG.json the run's own configuration is taken), or start a new run
#2> Try 'diffc train --help'.
#2> diffc train: run: cannot be resumed as another run: method.steps is 20 in the run, but 30 here; leave such keys as they were (without CONFIG.json the run's own configuration is taken), or start a new run
#2> Try 'diffc train --help'.
#2> diffc train: run: cannot be resumed as another run: model.flip_sin_to_cos is false in the run, but true here; leave such keys as they were (without CONFIG.json the run's own configuration is taken), or start a new run
#2> Try 'diffc train --help'.
#2> diffc train: run: cannot be resumed as another run: model.eps is 1e-06 in the run, but 1e-05 here; leave such keys as they were (without CONFIG.json the run's own configuration is taken), or start a new run
#2> Try 'diffc train --help'.
#2> diffc train: run: cannot be resumed as another run: model.groups is 4 in the run, but 1 here; leave such keys as they were (without CONFIG.json the run's own configuration is taken), or start a new run
#2> Try 'diffc train --help'.
#2> diffc train: run: cannot be resumed as another run: model.downsample_padding is 0 in the run, but 1 here; leave such keys as they were (without CONFIG.json the run's own configuration is taken), or start a new run
#2> Try 'diffc train --help'.
#2> diffc train: run: cannot be resumed as another run: model.input_fourier is [] in the run, but [6] here; leave such keys as they were (without CONFIG.json the run's own configuration is taken), or start a new run
#2> Try 'diffc train --help'.
#2> diffc train: run: belongs to other data: the number of images is 64 in the run, but 32 in these; a run is resumed with its own data, wherever they lie
#2> Try 'diffc train --help'.
#2> diffc train: run: cannot be resumed as another run: train.seed is 0 in the run, but 3 here; leave such keys as they were (without CONFIG.json the run's own configuration is taken), or start a new run
#2> Try 'diffc train --help'.
#2> diffc train: run: cannot be resumed as another run: train.init is "" in the run, but "other" here; leave such keys as they were (without CONFIG.json the run's own configuration is taken), or start a new run
#2> Try 'diffc train --help'.
