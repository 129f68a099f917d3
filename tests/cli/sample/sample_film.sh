# Films show the predictions at even calls, in rows of images or as frames, whatever the batch, and change no image.
assert train diffc train tiny.json -q --out run >/dev/null
size() { # FILE: WxH, of a PNG's head
    od -An -tu1 -j16 -N8 "$1" | awk '{ print $3 * 256 + $4 "x" $7 * 256 + $8 }'
}
pixels() { tail -c 200 "$1" | cksum; }
for sampler in ddim ddpm heun "pc --corrector 0" ode langevin; do
    assert plain diffc sample -q -m run --sampler $sampler --npz plain.npz >/dev/null
    assert film diffc sample -q -m run --sampler $sampler --npz film.npz --film film.png --frames frames >/dev/null
    assert "$sampler: the same images" cmp plain.npz film.npz
    echo "$sampler: $(size film.png), $(ls frames | wc -l) frames of $(size frames/frame-0001.png)"
    # The last frame is the picture of the finished images.
    assert grid diffc sample -q -m run --sampler $sampler --out grid.png >/dev/null
    assert "the last frame" test "$(pixels grid.png)" = "$(pixels "frames/$(ls frames | tail -n 1)")"
    assert "not the first frame" test "$(pixels grid.png)" != "$(pixels frames/frame-0001.png)"
    rm -r frames
done
diffc sample -m run --sampler ddpm --moments 3 --film film.png --frames frames --batch 4 2>&1 | grep film
assert batch diffc sample -q -m run --sampler ddpm --moments 3 --film alone.png --frames single --batch 1 >/dev/null
cmp film.png alone.png
for each in frames/*; do cmp "$each" "single/${each#*/}"; done
grep -ao 'seed 0, .* of 20' frames/frame-0002.png
grep -ao 'seed 0, .* finished image' film.png
diffc sample -q -m run --json --count 2 --film film.png | grep -o '"out".*"model"'
# Frames of another, longer film are said.
: >frames/frame-0005.png
diffc sample -m run --sampler ddpm --moments 3 --frames frames 2>&1 | grep frame
# Frames of classes have the grid's rows.
mkdir data && mv images-idx3-ubyte data/train-images-idx3-ubyte
{ printf '\000\000\010\001\000\000\000\100'; yes abc | tr -d '\n' | tr 'abc' '\000\001\002' | head -c 64; } >data/train-labels-idx1-ubyte
assert train diffc train tiny.json -q --out classes --set data.path=data --set model.class_conditional=true --steps 2 >/dev/null
assert rows diffc sample -q -m classes --per-class 2 --out grid.png --frames rows --film film.png >/dev/null
echo "a row for each class: $(size grid.png), $(size rows/frame-0001.png), $(size film.png)"
assert "the last frame" test "$(pixels grid.png)" = "$(pixels rows/frame-0005.png)"
#> ddim: 88x70, 5 frames of 34x34
#> ddpm: 196x70, 21 frames of 34x34
#> heun: 196x70, 36 frames of 34x34
#> pc --corrector 0: 196x70, 21 frames of 34x34
#> ode: 196x70, 121 frames of 34x34
#> langevin: 196x70, 121 frames of 34x34
#> replaced film.png
#> film.png: rows are images, columns predictions at network calls 1, 8, 14 of 20, and the finished image at the right
#> film.png
#> seed 0, prediction at network call 8 of 20
#> seed 0, predictions at network calls 1, 8, 14 of 20, and the finished image
#> "out":"film.png","film":"film.png","model"
#> replaced 4 frames in frames
#> note: frames holds frames of a longer film too, from frame-0005.png on
#> frames
#> a row for each class: 34x52, 34x52, 88x106
