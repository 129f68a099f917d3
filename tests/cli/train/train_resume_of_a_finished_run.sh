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
# The data may have moved; no change is announced that is not made, and without its file the configuration is the run's.
mv images-idx3-ubyte moved
set -- --set data.path=moved --set train.lr=1 --set data.validation=20
diffc train --resume --out run "$@" 2>&1 | grep -e '->' -e '^note' -e '^  training' -e finished
diffc train --resume --out run 2>&1 | grep -e '->' -e finished
diff before run/config.json
cp run/config.json before
rm run/config.json
diffc train --resume --out run "$@" 2>&1 | grep -e '->' -e '^note' -e finished
cmp run/config.json before
assert train diffc train -q --resume --out run --steps 5 >/dev/null
diff before run/config.json | grep steps
#> run is finished, and other settings are not taken; a larger train.steps or train.minutes continues it
#> run has all its updates, but not all that follows them: completing it
#>   training     4 updates, batch 4 in passes of 4, learning rate 0.0002, seed 0
#> data.path: "images-idx3-ubyte" -> "moved"
#> run is finished, and other settings are not taken; a larger train.steps or train.minutes continues it
#> run is finished, and other settings are not taken; a larger train.steps or train.minutes continues it
#> 3c3
#> <     "path": "images-idx3-ubyte",
#> ---
#> >     "path": "moved",
#> data.path: "images-idx3-ubyte" -> "moved"
#> run is finished, and other settings are not taken; a larger train.steps or train.minutes continues it
#> <     "steps": 4,
#> >     "steps": 5,
