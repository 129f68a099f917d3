# With --resize a mask of the image's size is made to fit as the image is: what is black alone is kept. It is the
# same as the mask of the model's size that was made of it by hand.
cp "$REPOSITORY/data/boot.png" .
assert train diffc train tiny.json -q --out run >/dev/null
mkdir large small
cp "$REPOSITORY/data/boot-mask.png" large/mask.png
echo iVBORw0KGgoAAAANSUhEUgAAABAAAAAQCAAAAAA6mKC9AAAAE0lEQVR42mNgGCTgPxTQWQAdAACMczfJR3D9MgAAAABJRU5ErkJggg== | base64 -d >small/mask.png
for size in large small; do
    (cd $size && diffc restore -q -m ../run ../boot.png --mask mask.png --resize --count 2 --out out.png) || echo "$size failed"
done
assert "the same pictures" cmp large/out.png small/out.png
diffc restore -q -m run boot.png --mask large/mask.png
# Every second column, of which nothing is left; and a mask of neither size.
echo iVBORw0KGgoAAAANSUhEUgAAABwAAAAcCAAAAABXZoBIAAAAFUlEQVR42mP4z4AbMoxKjkqOSsIgAC0MhogXeBSpAAAAAElFTkSuQmCC | base64 -d >thin.png
diffc restore -q -m run boot.png --mask thin.png --resize
assert sample diffc sample -q -m run --count 1 --size 12x12 --out-dir other >/dev/null
diffc restore -q -m run boot.png --mask other/000000.png --resize
#exit 2
#> out.png
#> out.png
#2> diffc restore: boot.png: is a grey image of 28x28, but the model's are grey images of 16x16; --resize makes it fit
#2> Try 'diffc restore --help'.
#2> diffc restore: thin.png: in the model's 16x16 pixels no part of the mask is black alone, so nothing would be kept of the picture
#2> Try 'diffc restore --help'.
#2> diffc restore: other/000000.png: the mask has 12x12 pixels; --resize needs one of the image's size, 28x28, or of the model's, 16x16
#2> Try 'diffc restore --help'.
