# Two outputs of one name would leave the last alone.
assert train diffc train tiny.json -q --out run >/dev/null
assert toy diffc train "$REPOSITORY/configs/toy-ring.json" -q --out ring --steps 2 >/dev/null
mkdir folder && ln -s folder link
refuse() {
    diffc sample -q --steps 2 "$@" >out 2>err
    echo "$? $(cat out)$(grep -v '^Try' err)"
}
refuse -m run --out g.png --film g.png
refuse -m run --out folder/g.png --film link/../link/g.png
refuse -m run --out all --npz ./all
refuse -m run --npz all --film all
refuse -m ring --out all --csv all
refuse -m ring --csv all --film all
ls folder
# Nor may one be a file of a folder that is written.
assert before diffc sample -q -m run --steps 2 --count 2 --out-dir folder >/dev/null
refuse -m run --out-dir folder --count 2 --out link/000001.png
refuse -m run --out-dir link --count 2 --film folder/000000.png
refuse -m run --frames folder --out folder/frame-0002.png
refuse -m run --out-dir folder --count 2 --out folder/000002.png
diffc nll -q -m run --data images-idx3-ubyte --csv a.csv --per-step ./a.csv 2>&1 | grep -v '^Try'
# A device takes them all.
refuse -m run --out /dev/null --npz /dev/null
#> 2 diffc sample: --out and --film are one file, g.png; give each a name of its own
#> 2 diffc sample: --out and --film are one file, folder/g.png; give each a name of its own
#> 2 diffc sample: --out and --npz are one file, all; give each a name of its own
#> 2 diffc sample: --npz and --film are one file, all; give each a name of its own
#> 2 diffc sample: --out and --csv are one file, all; give each a name of its own
#> 2 diffc sample: --csv and --film are one file, all; give each a name of its own
#> 2 diffc sample: --out is link/000001.png, which --out-dir writes too; give it another name
#> 2 diffc sample: --film is folder/000000.png, which --out-dir writes too; give it another name
#> 2 diffc sample: --out is folder/frame-0002.png, which --frames writes too; give it another name
#> 0 folder/000002.png
#> folder
#> diffc nll: --csv and --per-step are one file, a.csv; give each a name of its own
#> 0 /dev/null
#> /dev/null
