# Each command works on each shipped configuration, or refuses with one sentence and exit status 2. The
# output lists the commands that work and the sentences of the others. Training is two updates on grey
# noise, in the size that the configuration or its data set has.
run() { # COMMAND ARGUMENT...
    diffc "$@" >"$1.out" 2>err
    status=$?
    case $status in
    0) printf ' %s' "$1" ;;
    2) printf ' (%s)' "$(head -n 1 err)" ;;
    esac
    assert "$config: $1: $status $(cat err)" test $status -eq 0 -o $status -eq 2 -a "$(grep -cv '^Try' err)" -eq 1
}
for path in "$REPOSITORY"/configs/*.json; do
    config=$(basename "$path" .json)
    substitute='--set data.path=. --set data.validation=8' short='--calls 4' made=--out-dir steps=6
    case $config in
    toy-*) substitute='' made=--csv steps=101 ;;
    cifar10-* | bench-small) substitute="$substitute --set model.channels=32" ;;
    fashion-*) substitute="$substitute --set data.size=28" ;;
    esac
    case $config in
    *-sde-* | *-smld) short='--tolerance 0.1 --dequant 1' ;;
    *-cdm) short= ;;
    esac
    case $config in
    *-classes | fashion-ddpm) { printf '\000\000\010\001\000\000\000\100'; yes abcdefghij | tr -d '\n' | tr 'a-j' '\000-\011' | head -c 64; } >labels-idx1-ubyte ;;
    *) rm -f labels-idx1-ubyte ;;
    esac
    printf '%s:' "$config"
    # shellcheck disable=SC2086 # several words are meant
    {
        run train "$path" -q --out run --steps 2 $substitute --set train.minutes=0 \
            --set train.batch=4 --set train.validate=8 --set sample.count=1 --set sample.steps=$steps
        run sample -q -m run --count 1 --steps $steps $made made
        if [ -d made ]; then mv made/*.png image.png; else echo >image.png; fi
        run info run
        run nll -q -m run $short image.png
        run denoise -q -m run image.png --sigma 25 --out clean.png
        run restore -q -m run image.png --sigma 25 --count 1 --steps $steps --out restored.png
        run eval -q -m run --count 4 --steps $steps --out nearest.png
        run bench "$path" -q --json --seconds 0 --repeat 1 --batch 4 $substitute
    }
    for figure in params forward_gflop train_images_per_s sample_forwards_per_s train_gflops sample_gflops; do
        assert "$config: $figure" grep -qE "\"$figure\":[0-9.]*[1-9][0-9.]*(e[-+][0-9]+)?[,}]" bench.out
    done
    rm -rf run made ./*.png
    echo
done
#> bench-small: train sample info nll denoise restore eval bench
#> bench-tiny: train sample info nll denoise restore eval bench
#> cifar10-ddpm: train sample info nll denoise restore eval bench
#> fashion-cdm: train sample info nll denoise restore eval bench
#> fashion-classes: train sample info nll denoise restore eval bench
#> fashion-ddpm: train sample info nll denoise restore eval bench
#> fashion-eddpm-paper: train sample info nll denoise restore eval bench
#> fashion-eddpm: train sample info nll denoise restore eval bench
#> fashion-nll: train sample info nll denoise restore eval bench
#> fashion-sde-subvp: train sample info nll denoise restore eval bench
#> fashion-sde-ve: train sample info nll denoise restore eval bench
#> fashion-sde-vp: train sample info nll denoise restore eval bench
#> fashion-smld: train sample info nll denoise restore eval bench
#> photos: train sample info nll denoise restore eval bench
#> toy-checkerboard: train sample info (diffc nll: run: the model gives points of the plane, not images of 8 bits) (diffc denoise: run: the model gives points of the plane, not images of 8 bits) (diffc restore: run: the model gives points of the plane, not images of 8 bits) (diffc eval: run: the model gives points of the plane, and eval compares images) bench
#> toy-ring: train sample info (diffc nll: run: the model gives points of the plane, not images of 8 bits) (diffc denoise: run: the model gives points of the plane, not images of 8 bits) (diffc restore: run: the model gives points of the plane, not images of 8 bits) (diffc eval: run: the model gives points of the plane, and eval compares images) bench
#> toy-swiss-roll: train sample info (diffc nll: run: the model gives points of the plane, not images of 8 bits) (diffc denoise: run: the model gives points of the plane, not images of 8 bits) (diffc restore: run: the model gives points of the plane, not images of 8 bits) (diffc eval: run: the model gives points of the plane, and eval compares images) bench
#> toy-two-modes: train sample info (diffc nll: run: the model gives points of the plane, not images of 8 bits) (diffc denoise: run: the model gives points of the plane, not images of 8 bits) (diffc restore: run: the model gives points of the plane, not images of 8 bits) (diffc eval: run: the model gives points of the plane, and eval compares images) bench
