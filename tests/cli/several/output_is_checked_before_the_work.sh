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
#exit 1
#> diffc sample: --out is folder, a folder; name a file, such as folder/out.png
#> diffc sample: --out is folder/, a folder; name a file, such as folder/out.png
#> diffc sample: none/grid.png: cannot create: No such file or directory
#> diffc sample: --out is grid.npz, but it is written as PNG; give it a name that ends in .png
#> diffc sample: --npz is images.png, but it is written as npz; give it a name that ends in .npz
#> diffc sample: --npz is folder, a folder; name a file, such as folder/out.npz
#> diffc sample: image.png: exists and is not a folder
#> diffc sample: a picture of 1000000 images has 17998x17998 pixels, more than the limit of 67108864; write fewer images
#> diffc sample: images.npz: an .npz file holds up to 4 GiB, which is 4194302 images of 1024 bytes, not 10000000; write them in parts with --count and --seed
#> diffc denoise: --out is folder, a folder; name a file, such as folder/out.png
#> diffc nll: --csv is folder, a folder; name a file, such as folder/out.csv
#> diffc nll: none/table.csv: cannot create: No such file or directory
#> diffc nll: --per-step is table.png, but it is written as csv; give it a name that ends in .csv
#> diffc nll: missing: cannot open the data: No such file or directory
