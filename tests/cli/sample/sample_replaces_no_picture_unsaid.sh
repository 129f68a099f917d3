# Without --out a picture gets a name of its own; with it, what was there is replaced, and that is said.
assert train diffc train tiny.json -q --out runs/demo >/dev/null
echo mine >demo-1.png
diffc sample -q --count 1
diffc sample -q --count 1 --json | grep -o '"out":"[^"]*"'
diffc sample -q --count 1 -m runs/demo/model/
cat demo-1.png
narrate() { "$@" 2>&1 | grep '^replaced'; }
echo old | tee grid.png images.npz clean.png table.csv steps.csv >/dev/null
narrate diffc sample --count 1 --out grid.png
narrate diffc sample --count 2 --npz images.npz
narrate diffc sample --count 2 --out-dir pictures --out new.png
narrate diffc sample --count 4 --out-dir pictures
narrate diffc denoise --sigma 25 pictures/000000.png --out clean.png
narrate diffc nll pictures/000000.png --csv table.csv --per-step steps.csv
(cd runs/demo && diffc sample -q --count 1 -m .)
diffc denoise -q --sigma 25 pictures/000001.png
diffc denoise -q --sigma 25 pictures/000001.png
assert toy diffc train "$REPOSITORY/configs/toy-ring.json" -q --steps 1 --out runs/ring >/dev/null
diffc sample -q --count 9
narrate diffc sample --count 9 --csv table.csv --out ring-1.png
#> demo-2.png
#> "out":"demo-3.png"
#> demo-4.png
#> mine
#> replaced grid.png
#> replaced images.npz
#> replaced 2 files in pictures
#> replaced clean.png
#> replaced table.csv
#> replaced steps.csv
#> demo-1.png
#> 000001-clean-1.png
#> 000001-clean-2.png
#> ring-1.png
#> replaced ring-1.png
#> replaced table.csv
