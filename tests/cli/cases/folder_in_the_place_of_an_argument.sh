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
