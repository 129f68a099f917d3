# Where nothing is trained any more, the configuration stays that of the training.
assert train diffc train tiny.json -q --out run >/dev/null
cp run/config.json before
diffc train --resume --out run --steps 2 --set train.lr=1 2>&1 | grep finished
cmp run/config.json before
# Also where only what follows the last update was missing.
rm -r run/model run/samples
diffc train --resume --out run --steps 2 2>&1 | grep completing
assert "the model is there" test -d run/model
cmp run/config.json before
assert train diffc train -q --resume --out run --steps 5 >/dev/null
diff before run/config.json | grep steps
#> run is finished; a larger train.steps or train.minutes continues it
#> run has all its updates, but not all that follows them: completing it
#> <     "steps": 4,
#> >     "steps": 5,
