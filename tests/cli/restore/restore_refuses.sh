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
