# train.eval_every logs the samples' distance from the data; info shows the last; bad values are refused.
hide() { sed 's/[0-9][0-9]*\.[0-9][0-9]*/N/g'; }
diffc train tiny.json --out run --set train.eval_every=2 2>&1 | grep 'sliced' | hide
grep '"distance"' run/stats.jsonl | sed 's/:[0-9.e-]*\([,}]\)/:N\1/g'
diffc info run | grep distance | hide
diffc info run --json | grep -c '"distance":0\.[0-9]*,"distance_standard_error":0\.[0-9]*,"distance_step":4[,}]'
assert "a run without" diffc train tiny.json -q --out plain >/dev/null
cmp run/model/unet/diffusion_pytorch_model.safetensors plain/model/unet/diffusion_pytorch_model.safetensors
diffc info plain | grep -c distance
diffc train tiny.json -q --out run --resume --steps 6 --set train.eval_every=5 >/dev/null
diffc info run | grep distance | hide
for set in train.eval_every=-1 train.eval_every=0.5 data.limit=15; do
    diffc train tiny.json -q --out bad --set train.eval_every=2 --set $set 2>&1 | sed '/^Try/d'
done
diffc train "$REPOSITORY/configs/toy-ring.json" -q --out bad --set train.eval_every=2 2>&1 | sed '/^Try/d'
assert "nothing is written" test ! -e bad
#> step 2: sliced Wasserstein distance x 1000 of 28 samples: N +- N (other training images: N)
#> step 4: sliced Wasserstein distance x 1000 of 28 samples: N +- N (other training images: N)
#> {"event":"distance","step":N,"images":N,"sliced_wasserstein":N,"standard_error":N,"other_data":N}
#> {"event":"distance","step":N,"images":N,"sliced_wasserstein":N,"standard_error":N,"other_data":N}
#>   distance     sliced Wasserstein x 1000 of samples N +- N at step 4
#> 1
#> 0
#>   distance     sliced Wasserstein x 1000 of samples N +- N at step 5
#> diffc train: --set train.eval_every=-1: train.eval_every must be an integer in 0..1000000000000, got -1
#> diffc train: --set train.eval_every=0.5: train.eval_every must be an integer in 0..1000000000000, got 0.5
#> diffc train: train.eval_every is 2, but 7 training images are too few to compare samples with; at least 8 are needed
#> diffc train: train.eval_every is 2, but data.toy gives points: the distance is one of images; leave it out
