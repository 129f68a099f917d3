# What does not fit is one sentence each.
boot=$REPOSITORY/data/boot.png
cp "$boot" "$REPOSITORY/data/boot-mask.png" .
assert train diffc train tiny.json -q --out run --set data.size=28 --set 'model.attention=[]' >/dev/null
assert small diffc train tiny.json -q --out small >/dev/null
assert sample diffc sample -q -m small --count 1 --out-dir im >/dev/null
say() {
    diffc restore -q -m run "$@" >out 2>err
    echo "$? $(cat out)$(head -n 1 err)"
    assert "one sentence" test "$(grep -cv '^Try' err)" -eq 1
}
say boot.png
say
say boot.png --mask boot-mask.png --grey
say boot.png --grey
say boot.png --scale 5
say boot.png --scale 1
say boot.png --sigma -1
say boot.png --mask missing.png
say missing.png --mask boot-mask.png
say boot.png --mask im/000000.png
say boot.png --mask boot.png
# All of it black.
echo iVBORw0KGgoAAAANSUhEUgAAABwAAAAcCAAAAABXZoBIAAAAEElEQVR42mNgGAWjYBQQAwADLAAB1wvpfAAAAABJRU5ErkJggg== | base64 -d >black.png
say boot.png --mask black.png
say im/000000.png --mask boot-mask.png
say im/000000.png --scale 2
diffc restore -q -m run im/000000.png --mask boot-mask.png --resize --count 1 --out fits.png
say im --mask boot-mask.png
say boot.png --mask boot-mask.png --by gradint
say boot.png --mask boot-mask.png --sampler ode --by replace
say boot.png --mask boot-mask.png --sampler ode --steps 3
say boot.png --mask boot-mask.png --out out.jpg
say boot.png --mask boot-mask.png --label 1
assert toy diffc train "$REPOSITORY/configs/toy-ring.json" -q --out ring --steps 2 >/dev/null
diffc restore -q -m ring boot.png --mask boot-mask.png 2>&1 | grep -v '^Try'
ls ./*.png
#> 2 diffc restore: nothing says what is known of the image; give --mask MASK.png, --grey, --scale N or, for an image with noise, --sigma S above 0
#> 2 diffc restore: IMAGE is missing
#> 2 diffc restore: --mask, --grey and --scale each say what is known of the image; give one of them
#> 2 diffc restore: --grey gives a grey picture its colours, but the model makes grey images, which have none
#> 2 diffc restore: --scale is 5, which does not divide the 28x28 pixels of the model's images
#> 2 diffc restore: --scale is '1'; it must be a whole number from 2 to 8192
#> 2 diffc restore: --sigma is '-1'; it must be a number from 0 to 1000000
#> 1 diffc restore: missing.png: cannot open: No such file or directory
#> 1 diffc restore: missing.png: cannot open: No such file or directory
#> 2 diffc restore: im/000000.png: the mask has 16x16 pixels, but the model's images have 28x28
#> 2 diffc restore: boot.png: the mask has more than two values: 3 in row 8, column 20 beside 0 and 255; it must be black where the picture is kept and white where it is filled in
#> 2 diffc restore: black.png: all of the mask is 0; it must be black where the picture is kept and white where it is filled in
#> 2 diffc restore: im/000000.png: is a grey image of 16x16, but the model's are grey images of 28x28; --resize makes it fit
#> 2 diffc restore: im/000000.png: is a grey image of 16x16, but the model's are grey images of 28x28, or 14x14 before --scale; --resize makes it fit
#> fits.png
#> 2 diffc restore: im: is a folder, not an image
#> 2 diffc restore: --by is 'gradint'; it must be gradient or replace; did you mean 'gradient'?
#> 2 diffc restore: sampler ode: solves an equation from one end to the other, so nothing can be replaced on the way; restore by gradient, or with another sampler
#> 2 diffc restore: steps are given, but ode takes as many network calls as its tolerance needs and its call limit allows
#> 2 diffc restore: --out is out.jpg, but it is written as PNG; give it a name that ends in .png
#> 2 diffc restore: --label is given, but the model has no classes
#> diffc restore: ring: the model gives points of the plane, not images of 8 bits
#> ./black.png
#> ./boot-mask.png
#> ./boot.png
#> ./fits.png
