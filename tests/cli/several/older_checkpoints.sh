# A checkpoint is a model for every command: its averages, or with --weights last what training had reached.
assert train diffc train tiny.json -q --out run --steps 6 --set train.keep=3 >/dev/null
old=run/checkpoints/step-00000002.safetensors new=run/checkpoints/step-00000006.safetensors
pixels() { tail -c 200 "$1/000000.png" | cksum; }
for model in run $new $old; do
    assert "sample $model" diffc sample -q -m $model --count 1 --out-dir "$(basename $model)" >/dev/null
done
assert last diffc sample -q -m $old --weights last --count 1 --out-dir last >/dev/null
assert "newest as the run" test "$(pixels run)" = "$(pixels step-00000006.safetensors)"
assert "older differs" test "$(pixels run)" != "$(pixels step-00000002.safetensors)"
assert "last differs" test "$(pixels last)" != "$(pixels step-00000002.safetensors)"
strings -n 8 last/000000.png | grep -o 'model run/checkpoints/[^,]*, weights last'
diffc sample -q -m $old --count 1
diffc nll -q -m $new run/000000.png >a && diffc nll -q -m run run/000000.png >b
assert "nll as the run" test "$(cut -d: -f2 a)" = "$(cut -d: -f2 b)"
diffc nll -q -m $old run/000000.png >b
assert "nll of an older one differs" test "$(cut -d: -f2 a)" != "$(cut -d: -f2 b)"
assert denoise diffc denoise -q -m $old --level 5 run/000000.png --out clean.png >/dev/null
for weights in average last; do
    assert restore diffc restore -q -m $old --weights $weights run/000000.png --scale 2 --count 1 --out $weights.png >/dev/null
done
cmp -s average.png last.png && echo "restore takes one for the other"
assert eval diffc eval -q $old --count 8 --json >/dev/null
diffc info $old | sed -n '1,2p; /training/s/, [0-9.]* s,/, N s,/p; /validation/s/loss .* at/loss N at/p' | sed 's/loss [0-9.]*$/loss N/'
diffc info $old --weights last | sed -n 2p
diffc info run --weights last --json | grep -o '"kind":"checkpoint","run":"run","step":6,"weights":"last"'
diffc sample -q -m run/checkpoints/step-00000003.safetensors
diffc sample -q -m run/model --weights last
printf X | dd of=$old bs=1 seek=$(($(wc -c <$old) - 100)) conv=notrunc 2>/dev/null
diffc sample -q -m $old 2>&1 | sed 's/check sum .*/check sum N)/'
#> model run/checkpoints/step-00000002.safetensors, weights last
#> run-step-00000002-1.png
#> run/checkpoints/step-00000002.safetensors: a checkpoint
#>   checkpoint   step 2 of run, its averaged weights
#>   training     step 2, 8 images, N s, loss N
#>   validation   loss N at step 2
#>   checkpoint   step 2 of run, its last weights
#> "kind":"checkpoint","run":"run","step":6,"weights":"last"
#> diffc sample: run/checkpoints/step-00000002.safetensors: is damaged (check sum N)
#2> diffc sample: run/checkpoints/step-00000003.safetensors: there is no such checkpoint; the newest of its run is run/checkpoints/step-00000006.safetensors (a run keeps train.keep of them)
#2> diffc sample: run/model: holds one set of weights; the last ones beside the averaged ones are in the checkpoints of a run, and in folders with unet and unet_ema
#2> Try 'diffc sample --help'.
