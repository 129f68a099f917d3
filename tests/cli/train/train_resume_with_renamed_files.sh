# The order of the files' names decides which images are held out, so names that have changed are said.
mkdir pics
for i in 1 2 3 4 5 6 7 8 9 10 11 12; do cp "$REPOSITORY/data/boot.png" pics/$i.png; done
assert first diffc train pics -q --size 8 --steps 1 --set model.channels=8 >/dev/null
mv pics moved && ln -s moved pics && touch moved/*
diffc train --resume --out runs/pics --steps 2 2>&1 | grep 'names'
mv moved/1.png moved/zebra.png
diffc train --resume --out runs/pics --steps 3 2>&1 | grep 'names'
diffc train --resume --out runs/pics --steps 4 2>&1 | grep 'names'
#exit 1
#> note: the files of the data have other names than before; images that were trained on may be held out now, and others trained on
