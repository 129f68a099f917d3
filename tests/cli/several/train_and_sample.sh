# The whole way: train, look, sample into every kind of file.
assert train diffc train tiny.json -q
assert files test -e runs/tiny/config.json -a -e runs/tiny/stats.jsonl -a -e runs/tiny/model/model_index.json
assert info diffc info runs/tiny >info
assert "a run" grep -q '^runs/tiny: a run$' info
assert step grep -q 'training     step 4, 16 images' info
assert validation grep -q 'validation   loss [0-9.]* at step 4' info
assert sample diffc sample -q --out grid.png --out-dir images --npz images.npz --count 3 --seed 7
ls images
#> runs/tiny
#> grid.png
#> images.npz
#> images
#> 000007.png
#> 000008.png
#> 000009.png
