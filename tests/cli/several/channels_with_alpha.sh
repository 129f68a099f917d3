# Models of grey or colour with alpha train on such PNG files, write them, and score and denoise them.
kind() { head -c 26 "$1" | tail -c 1 | od -An -tu1 | tr -d ' '; } # of a PNG: 4 grey and alpha, 6 colour and alpha
for channels in 2 4; do
    assert train diffc train tiny.json -q --set data.channels=$channels --out c$channels >/dev/null
    assert sample diffc sample -q -m c$channels --count 16 --out-dir im$channels --out grid$channels.png --npz im.npz >/dev/null
    set -- c$channels/samples/*.png
    echo "grid $(kind grid$channels.png) image $(kind im$channels/000000.png) samples $(kind "$1")"
    assert "train on them" diffc train tiny.json -q --set data.path=im$channels --set data.channels=$channels --steps 1 --out d$channels >/dev/null
    diffc nll -m c$channels -q im$channels/000000.png | sed 's/: .*//'
    diffc nll -m c$channels --data im$channels --count 2 --calls 4 2>&1 | grep -o '2 [a-z ]* images'
    diffc denoise -m c$channels -q --sigma 25 im$channels/000000.png --out clean.png
    echo "clean $(kind clean.png)"
done
# Only colours that are seen count for a model without alpha; alpha is not guessed for one that has it.
assert plain diffc train tiny.json -q --set data.channels=3 --steps 1 --out c3 >/dev/null
diffc nll -m c3 -q im4/000000.png --calls 4 | sed 's/: .*//'
diffc sample -q -m c3 --count 1 --out colour.png
diffc nll -m c4 -q colour.png --calls 4 2>&1 | sed '/^Try/d'
diffc nll -m c4 -q colour.png --calls 4 --resize | sed 's/: .*//'
#> grid 4 image 4 samples 4
#> im2/000000.png
#> 2 grey with alpha images
#> clean.png
#> clean 4
#> grid 6 image 6 samples 6
#> im4/000000.png
#> 2 colour with alpha images
#> clean.png
#> clean 6
#> im4/000000.png
#> colour.png
#> diffc nll: colour.png: is a colour image of 16x16, but the model's are colour with alpha images of 16x16; --resize makes them fit
#> colour.png
