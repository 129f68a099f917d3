# A run that was killed between its last checkpoint and its model is not finished: resume completes it.
assert train diffc train tiny.json -q --out run >/dev/null
cp -R run whole
rm -r run/model run/samples/step-00000004.png
assert resume diffc train -q --resume --out run
assert "the same model" diff -r run/model whole/model
assert "the same picture" cmp run/samples/step-00000004.png whole/samples/step-00000004.png
diffc train --resume --out run 2>&1 | grep finished
#> run
#> run is finished, and other settings are not taken; a larger train.steps or train.minutes continues it
