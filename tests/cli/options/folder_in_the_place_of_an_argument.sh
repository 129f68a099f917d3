# A run or a folder that is given where none belongs: the option that was meant is named.
assert train diffc train tiny.json -q --out runs/demo >/dev/null
assert image diffc sample -q --count 1 --out image.png >/dev/null
mkdir pictures
for line in 'sample runs/demo' 'sample demo' 'sample grid.png' 'nll runs/demo' 'nll pictures' \
    'denoise runs/demo image.png --sigma 1' 'denoise runs/demo --sigma 1' 'denoise a.png b.png' \
    'train tiny.json other.json' 'bench tiny.json other.json' 'info runs/demo runs/demo' \
    'train runs/demo' 'train --resume runs/demo' 'train pictures' 'bench runs/demo' 'sample -m demo'; do
    diffc $line 2>&1 | sed '/^Try/d'
done
#> diffc sample: unexpected argument 'runs/demo': sample takes options only; did you mean --model runs/demo?
#> diffc sample: unexpected argument 'demo': sample takes options only; did you mean --model runs/demo?
#> diffc sample: unexpected argument 'grid.png': sample takes options only
#> diffc nll: runs/demo: is a model, not an image; did you mean --model runs/demo?
#> diffc nll: pictures: is a folder, not an image; did you mean --data pictures?
#> diffc denoise: unexpected argument 'image.png': denoise takes one NOISY.png; did you mean --model runs/demo?
#> diffc denoise: runs/demo: is a model, not an image; did you mean --model runs/demo?
#> diffc denoise: unexpected argument 'b.png': denoise takes one NOISY.png
#> diffc train: unexpected argument 'other.json': train takes one CONFIG.json
#> diffc bench: unexpected argument 'other.json': bench takes one CONFIG.json
#> diffc info: unexpected argument 'runs/demo': info takes one PATH
#> diffc train: runs/demo: is a run, expected a configuration; did you mean --resume --out runs/demo?
#> diffc train: runs/demo: is a run, expected a configuration; did you mean --resume --out runs/demo?
#> diffc train: pictures: is an empty folder, expected images
#> diffc bench: runs/demo: is a run, expected a configuration; did you mean runs/demo/config.json?
#> diffc sample: demo: no such run or model folder; did you mean runs/demo?
