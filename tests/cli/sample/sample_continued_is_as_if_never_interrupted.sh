# Interrupted or killed at several moments and continued, a folder and an .npz are bit for bit those of
# one run without a stop. (A small run that goes on for seconds: many steps.)
assert train diffc train tiny.json -q --steps 2 --set method.steps=1000 --out run >/dev/null
set -- -q -m run --count 12 --batch 2 --sampler ddpm --steps 60
assert whole diffc sample "$@" --out-dir whole --npz whole.npz >/dev/null
ls whole | grep -v png

# Waits until something is finished (a picture, or slots of images in the .part), then sends the signal.
folder_begun() { ls "$1" 2>/dev/null | grep -q "$2.png$"; }
npz_begun() { [ "$(wc -c 2>/dev/null <"$1.part")" -gt $((1500 + $2 * 264)) ] 2>/dev/null; }
stop() { # SIGNAL CHECK OUTPUT IMAGE OPTION...
    signal=$1 check=$2 output=$3 image=$4
    shift 4
    diffc sample "$@" >/dev/null 2>said &
    for i in $(seq 3000); do
        $check "$output" "$image" && break
        kill -0 $! 2>/dev/null || break
        sleep 0.01
    done
    kill "-$signal" $!
    wait $! 2>/dev/null
}

stop KILL folder_begun part 1 "$@" --out-dir part
assert "kept, 1st" test -e part/sample-0.part
stop TERM folder_begun part 5 "$@" --out-dir part --continue
sed 's/after [0-9]* of/after N of/' said
stop KILL folder_begun part 7 "$@" --out-dir part --continue
echo cut >part/000002.png
rm part/000003.png
cp whole/000004.png part/000000.png
assert continued diffc sample "$@" --out-dir part --npz both.npz --continue --json >done
assert "some were kept" grep -q '"kept":[3-9]' done
diff -r part whole && cmp both.npz whole.npz && echo "the folder is the same"

stop KILL npz_begun part.npz 0 "$@" --npz part.npz
stop TERM npz_begun part.npz 4 "$@" --npz part.npz --continue
printf x >>part.npz.part
assert continued diffc sample "$@" --npz part.npz --out-dir other >/dev/null
assert continued diffc sample "$@" --npz part.npz --continue >/dev/null
cmp part.npz whole.npz && echo "the .npz is the same"
ls *.part part/*.part 2>/dev/null
exit 0

#> diffc sample: interrupted after N of 12 images; the same command with --continue goes on from there
#> the folder is the same
#> the .npz is the same
