# Images of earlier calls that stay in the folder of --out-dir are said, so that nobody takes them for this call's.
assert train diffc train tiny.json -q --steps 2 --set method.steps=1000 --out run >/dev/null
narrate() { diffc sample -m run "$@" 2>&1 | grep -e holds -e replaced -e 'starts again' -e finished; }
narrate --count 6 --steps 2 --out-dir pictures
narrate --count 2 --steps 3 --out-dir pictures
narrate --count 2 --steps 3 --out-dir pictures --seed 9
narrate --count 5 --steps 3 --out-dir pictures
# Other files, also with such names as no image gets, are none.
mkdir others
for name in notes.txt 1.png 0000001.png 000001.jpg grid-000001.png 99999999999999999999.png 000007.png.12.tmp; do
    echo mine >"others/$name"
done
narrate --count 2 --steps 3 --out-dir others
assert "seeds of seven digits" diffc sample -q -m run --count 1 --steps 1 --seed 1234567 --out-dir others >/dev/null
narrate --count 2 --steps 3 --out-dir others
echo "interrupted and begun anew, or continued:"
set -- --batch 2 --sampler ddpm --steps 300 --out-dir part
stop() { # when the first images are there
    diffc sample -q -m run "$@" --count 12 >/dev/null 2>&1 &
    for i in $(seq 3000); do
        ls part 2>/dev/null | grep -q '1.png$' && break
        sleep 0.01
    done
    kill -KILL $!
    wait $! 2>/dev/null
}
stop "$@"
narrate "$@" --count 1 | sed 's/holds [0-9]* other images* too, .*/holds others/'
rm -r part
stop "$@"
narrate "$@" --count 12 --continue | sed 's/^[0-9]* of/N of/'
#> replaced 2 files in pictures
#> note: pictures holds 4 other images too, such as 000002.png
#> note: pictures holds 6 other images too, such as 000000.png
#> replaced 5 files in pictures
#> note: pictures holds 3 other images too, such as 000005.png
#> replaced 2 files in others
#> note: others holds 1 other image too, 1234567.png
#> interrupted and begun anew, or continued:
#> part/sample-0.part: starts again; --continue would have finished the interrupted work
#> replaced 1 file in part
#> note: part holds others
#> N of 12 images are finished; the others are made
