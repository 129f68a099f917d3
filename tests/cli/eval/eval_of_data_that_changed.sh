# Data are found where the run's configuration says; that they are not those of the training is said, once.
assert first diffc train tiny.json -q --out first >/dev/null
assert pictures diffc sample -q -m first --count 40 --out-dir pics >/dev/null
assert train diffc train tiny.json -q --out runs/a --set data.path=pics >/dev/null
notes() { assert "$1" "$@" >out 2>said && grep '^note' said; }
compare() { notes diffc eval -m runs/a --count 4 --steps 2 "$@"; }
fit() { notes diffc nll -m runs/a --count 1 --data images-idx3-ubyte --variance fitted --fit-count 4; }
compare || fit || echo "nothing is said of the same data"
# The run's own samples among them; data that are named are the user's affair.
assert more diffc sample -q -m runs/a --seed 100 --count 3 --out-dir pics >/dev/null
compare
fit
compare --data pics || echo "nothing is said of data that are named"
# As many, but one of another size.
rm pics/00010?.png pics/000000.png
cp "$REPOSITORY/data/boot.png" pics/
compare
# As many of the same size, but one of another name, which changes the order.
rm pics/boot.png && cp pics/000001.png pics/another.png
compare
fit
# Another data set in the same place.
rm -r pics && cp images-idx3-ubyte pics
compare
# A run that saved nothing yet, or nothing that can be read, has nothing to compare with.
rm runs/a/checkpoints/*
compare || echo "nothing is known"
#> nothing is said of the same data
#> note: pics: 43 images, but runs/a was trained on 40; which images it held out is not known any more
#> note: pics: 43 images, but runs/a was trained on 40
#> nothing is said of data that are named
#> note: pics: as many images as runs/a was trained on, but others, by their sizes or classes; which images it held out is not known any more
#> note: pics: the files have other names than when runs/a was trained; which images it held out is not known any more
#> note: pics: the files have other names than when runs/a was trained
#> note: pics: 64 images, but runs/a was trained on 40; which images it held out is not known any more
#> nothing is known
