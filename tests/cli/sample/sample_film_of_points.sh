# Of points a film is a row of scatter plots with the axes of the toy, and a frame is one.
assert train diffc train "$REPOSITORY/configs/toy-ring.json" -q --steps 2 --out run >/dev/null
size() { # FILE: WxH, of a PNG's head
    od -An -tu1 -j16 -N8 "$1" | awk '{ print $3 * 256 + $4 "x" $7 * 256 + $8 }'
}
assert plain diffc sample -q -m run --count 50 --csv plain.csv >/dev/null
diffc sample -q -m run --count 50 --csv film.csv --film film.png --frames frames --moments 4
cmp plain.csv film.csv
size film.png
ls frames
# The last frame is the usual picture of the finished points.
assert picture diffc sample -q -m run --count 50 --out picture.png >/dev/null
size frames/frame-0001.png
test "$(tail -c 200 picture.png | cksum)" = "$(tail -c 1000 frames/frame-0005.png | cksum)" && echo "the same"
#exit 1
#> film.csv
#> film.png
#> frames
#> 1288x256
#> frame-0001.png
#> frame-0002.png
#> frame-0003.png
#> frame-0004.png
#> frame-0005.png
#> 640x640
