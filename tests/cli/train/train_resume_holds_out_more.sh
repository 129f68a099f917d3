# Images that are held out in addition on resume were trained on, which is said; fewer are no concern.
assert train diffc train tiny.json -q --out run >/dev/null
diffc train --resume --out run --steps 6 --set data.validation=12 2>&1 | grep -e '->' -e '^note'
diffc train --resume --out run --steps 8 2>&1 | grep '^note' || echo "said once"
diffc train --resume --out run --steps 10 --set data.validation=5 2>&1 | grep -e '->' -e '^note'
# "auto" is a tenth of 64.
diffc train --resume --out run --steps 12 --set data.validation=auto 2>&1 | grep -e '->' -e '^note'
#> data.validation: 8 -> 12
#> train.steps: 4 -> 6
#> note: of the 12 images that are held out now, 4 were trained on before, so the validation loss looks better than it is
#> said once
#> data.validation: 12 -> 5
#> train.steps: 8 -> 10
#> data.validation: 5 -> "auto"
#> train.steps: 10 -> 12
#> note: of the 6 images that are held out now, 1 was trained on before, so the validation loss looks better than it is
