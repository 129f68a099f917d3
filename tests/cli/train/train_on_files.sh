# IDX and CIFAR-10 files, packed or not, and their folders, train with no configuration.
records() { # N: so many CIFAR-10 records of labels and bytes below 10
    yes 'abcdefghij' | tr 'a-j\n' '\000-\011\000' | head -c $((3073 * $1))
}
records 20 >batch.bin
gzip -k batch.bin
gzip -c images-idx3-ubyte >packed-images-idx3-ubyte.gz
mkdir cifar idx
cp batch.bin cifar/data_batch_1.bin
cp packed-images-idx3-ubyte.gz idx/train-images-idx3-ubyte.gz
{
    printf '\000\000\010\001\000\000\000\100'
    head -c 32 /dev/zero
    head -c 32 /dev/zero | tr '\000' '\001'
} >idx/train-labels-idx1-ubyte
for data in images-idx3-ubyte packed-images-idx3-ubyte.gz idx batch.bin batch.bin.gz cifar; do
    echo "$data:"
    assert "$data" diffc train $data --dry-run --steps 30 --threads 1 >own.json 2>said
    sed -n '/^  data/,/for training/p; /^  network/p' said
    grep '"path"\|"flip"\|"batch": [1-9]\|"validation"' own.json
    assert "$data again" diffc train own.json --dry-run --json --threads 1 >one
    assert "$data in JSON" diffc train $data --dry-run --json --steps 30 --threads 1 -q >other
    # The two plans differ in the name alone.
    sed -i 's/"path":"[^"]*"//' one other
    cmp one other
done
# The name of a run is that of the file.
assert run diffc train packed-images-idx3-ubyte.gz -q --effort small --steps 1 --set sample.steps=1 --set sample.count=1 --set model.channels=4
#> images-idx3-ubyte:
#>   data         64 grey images of 16x16 (IDX)
#>                58 for training, 3.625 updates an epoch
#>   network      16x16x1, channels 64 64, 1 block a level, attention at 8x8
#>     "path": "images-idx3-ubyte",
#>     "flip": false,
#>     "validation": 6,
#>     "batch": 16,
#> packed-images-idx3-ubyte.gz:
#>   data         64 grey images of 16x16 (IDX)
#>                58 for training, 3.625 updates an epoch
#>   network      16x16x1, channels 64 64, 1 block a level, attention at 8x8
#>     "path": "packed-images-idx3-ubyte.gz",
#>     "flip": false,
#>     "validation": 6,
#>     "batch": 16,
#> idx:
#>   data         64 grey images of 16x16 (IDX), 2 classes
#>                58 for training, 3.625 updates an epoch
#>   network      16x16x1, channels 64 64, 1 block a level, attention at 8x8
#>     "path": "idx",
#>     "flip": false,
#>     "validation": 6,
#>     "batch": 16,
#> batch.bin:
#>   data         20 colour images of 32x32 (CIFAR-10), 10 classes
#>                18 for training, 1.125 updates an epoch
#>   network      32x32x3, channels 32 64 64, 1 block a level, attention at 8x8
#>     "path": "batch.bin",
#>     "flip": true,
#>     "validation": 2,
#>     "batch": 16,
#> batch.bin.gz:
#>   data         20 colour images of 32x32 (CIFAR-10), 10 classes
#>                18 for training, 1.125 updates an epoch
#>   network      32x32x3, channels 32 64 64, 1 block a level, attention at 8x8
#>     "path": "batch.bin.gz",
#>     "flip": true,
#>     "validation": 2,
#>     "batch": 16,
#> cifar:
#>   data         20 colour images of 32x32 (CIFAR-10), 10 classes
#>                18 for training, 1.125 updates an epoch
#>   network      32x32x3, channels 32 64 64, 1 block a level, attention at 8x8
#>     "path": "cifar",
#>     "flip": true,
#>     "validation": 2,
#>     "batch": 16,
#> runs/packed-images-idx3-ubyte
