# What cannot be written is refused before the first network call, and nothing is left behind.
assert train diffc train tiny.json -q --out run >/dev/null
assert image diffc sample -q -m run --count 1 --out image.png >/dev/null
mkdir folder
ls >before
refuse() {
    diffc "$@" 2>&1 | sed '/^Try/d'
}
refuse sample -m run --out folder
refuse sample -m run --out folder/
refuse sample -m run --out none/grid.png
refuse sample -m run --out grid.npz
refuse sample -m run --npz images.png
refuse sample -m run --npz folder
refuse sample -m run --out-dir image.png
refuse sample -m run --count 1000000
refuse sample -m run --count 10000000 --size 32 --npz images.npz
refuse denoise -m run image.png --sigma 25 --out folder
refuse nll -m run image.png --csv folder
refuse nll -m run image.png --csv none/table.csv
refuse nll -m run image.png --per-step table.png
refuse nll -m run missing.png --steps 4 --spacing dp --fit-data missing
ls | diff before - | grep -v before
