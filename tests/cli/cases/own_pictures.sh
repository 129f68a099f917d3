# A person's own folder: photos of several sizes, grey and colour, names in capitals, with the defaults.
mkdir photos
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19; do
    cp "$REPOSITORY/tests/golden/images/quadrants.jpg" photos/$i.JPG
done
cp "$REPOSITORY/data/boot.png" photos/grey.png
echo '{ "data": { "path": "photos" }, "model": { "channels": 8 }, "train": { "steps": 1, "batch": 2 } }' >own.json
diffc train own.json --dry-run
# A size that this network does not take is refused before the pictures are read, with one that it does.
mkdir same && cp photos/grey.png same/
diffc train own.json --dry-run --set data.path=same --set 'model.multipliers=[1,2,2,2]'
# What it advises works, and of 20 pictures 2 are held out.
diffc train own.json --dry-run --set data.size=64 2>&1 | sed -n '/^  data/,/for training/p'
assert train diffc train own.json -q --set data.size=8 --out run >/dev/null
diffc train own.json --set data.size=8 --set data.validation=20 --out another
# Bad files: named, or left out and listed.
echo 'version https://git-lfs.github.com/spec/v1' >photos/0.png
ln -s nowhere photos/lost.jpeg
diffc train own.json --set data.size=8 --dry-run
diffc train own.json --set data.size=8 --set data.skip_bad=true --dry-run | sed -n '/^  data/,/left out: .*lost/p'
assert skip diffc train own.json -q --set data.size=8 --set data.skip_bad=true --out left >/dev/null
cat left/skipped.txt
assert "no list without bad files" test ! -e run/skipped.txt
