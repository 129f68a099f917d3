# What cannot be trained on is said in one sentence, before anything is made.
mkdir empty text few tiny mixed
echo hello >text/notes.txt
cp "$REPOSITORY/data/boot.png" few/1.png
for i in 1 2 3; do cp "$REPOSITORY/data/boot.png" mixed/$i.png; done
printf '\000\000\010\003\000\000\000\012\000\000\000\004\000\000\000\006' >tiny/train-images-idx3-ubyte
head -c 240 /dev/zero >>tiny/train-images-idx3-ubyte
: >nothing
head -c 5000 images-idx3-ubyte >cut-images-idx3-ubyte
assert run diffc train tiny.json -q --out runs/done >/dev/null
try() {
    diffc train "$@" --threads 1 >out 2>err
    echo "$? $(sed '/^Try/d' err)"
    assert "no result" test ! -s out
}
try empty
try text
try mixed
try tiny
try nothing
try text/notes.txt
try few/1.png
try cut-images-idx3-ubyte
try nowhere
try runs/done
try images-idx3-ubyte --effort larg
try images-idx3-ubyte --size 50
try images-idx3-ubyte --size 4
try images-idx3-ubyte --size 2000
try images-idx3-ubyte --classes
try images-idx3-ubyte --set data.path=other
try images-idx3-ubyte --set data.toy=ring
try images-idx3-ubyte --set data.siz=8
try images-idx3-ubyte --set data.size=18
try images-idx3-ubyte --out runs/done
try images-idx3-ubyte --resume
try tiny.json --size 8
try tiny.json --classes
try tiny.json --effort small
try images-idx3-ubyte --resume --out runs/done --size 8
try images-idx3-ubyte --minutes 0
ls runs
#> 1 diffc train: empty: is an empty folder, expected images
#> 1 diffc train: text: holds no PNG or JPEG image (1 other file, such as notes.txt)
#> 2 diffc train: mixed: has 3 pictures, and at least 10 are needed to train; some hundreds begin to be useful
#> 2 diffc train: tiny: its pictures are too small: 4 pixels on the shorter side, and at least 8 are needed
#> 1 diffc train: nothing: is empty, expected images
#> 1 diffc train: text/notes.txt: is text, expected IDX or CIFAR-10 binary data, or a folder of images
#> 2 diffc train: few/1.png: is a single image; give the folder that holds the images
#> 1 diffc train: cut-images-idx3-ubyte: has 4984 bytes of data, its header declares 16384
#> 1 diffc train: nowhere: cannot open: No such file or directory
#> 2 diffc train: runs/done: is a run, expected a configuration; did you mean --resume --out runs/done?
#> 2 diffc train: --effort is 'larg'; it must be small, medium or large; did you mean 'large'?
#> 2 diffc train: size 50 cannot be halved until at most 8 pixels are left; the nearest that can is 48
#> 2 diffc train: size 4 is too small: images of at least 8 pixels a side can be learnt; 8 would do
#> 2 diffc train: size 2000 is too large for a network that diffc chooses, which takes at most 256 pixels a side; 256 would do, or a configuration of your own
#> 2 diffc train: images-idx3-ubyte: --classes needs images with classes: there is no labels-idx1-ubyte
#> 2 diffc train: --set data.path: the data are images-idx3-ubyte already; leave one of them out
#> 2 diffc train: --set data.toy: the data are images-idx3-ubyte already; leave one of them out
#> 2 diffc train: --set data.siz=8: data.siz is not a known key; did you mean data.size?
#> 2 diffc train: size 18 cannot be halved until at most 8 pixels are left; the nearest that can is 16
#> 2 diffc train: runs/done: already holds a run; give --resume to continue it, or another --out
#> 1 diffc train: runs/images-idx3-ubyte: there is no run to resume; name one with --out or start without --resume
#> 2 diffc train: --size is for DATA without a configuration; one is changed by --set data.size=N
#> 2 diffc train: --classes is for DATA without a configuration; one is changed by --set model.class_conditional=true
#> 2 diffc train: --effort is for DATA without a configuration; one is changed by --set model.channels=N and --minutes
#> 2 diffc train: --size cannot change a run that is resumed
#> 2 diffc train: --minutes is '0'; it must be a number from 0.01 to 10000000
#> done
