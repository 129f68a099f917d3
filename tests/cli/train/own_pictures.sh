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
#>   data         20 colour images of 64x64 (folder)
#>                18 for training, 9 updates an epoch
#>   data         20 colour images of 8x8 (folder), 2 unreadable images left out
#>                left out: photos/0.png: is a Git LFS pointer ("git lfs pull" fetches the file itself), expected a PNG or JPEG image
#>                left out: photos/lost.jpeg: cannot open: No such file or directory
#> photos/0.png: is a Git LFS pointer ("git lfs pull" fetches the file itself), expected a PNG or JPEG image
#> photos/lost.jpeg: cannot open: No such file or directory
#2> diffc train: photos: its images have several sizes, the first 16x24, grey.png 28x28; set data.size, such as data.size=64: each image is then resized to cover 64x64 and cropped in the middle
#2> Try 'diffc train --help'.
#2> diffc train: same: images of 28x28 cannot be halved 3 times; heights and widths must be multiples of 8 (24 or 32 would do); set data.size, such as data.size=16: each image is then resized to cover 16x16 and cropped in the middle
#2> Try 'diffc train --help'.
#2> diffc train: photos: data.validation holds out 20 images of 20, which leaves none to train on; set data.validation below 20, or leave it out
#2> Try 'diffc train --help'.
#2> diffc train: photos/0.png: is a Git LFS pointer ("git lfs pull" fetches the file itself), expected a PNG or JPEG image (data.skip_bad = true leaves such images out)
