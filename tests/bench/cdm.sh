#!/bin/bash
# A classification diffusion model beside DDPM, and what each of its two losses is for: trains DDPM, the
# CDM with both losses, with the cross-entropy alone and with the squared error alone, the same network
# and as many images each, and prints a table. "noise at T/4" is the mean squared error of the predicted
# noise at that level on test images, in units of its variance; bits/dim is the bound of DDPM, and what a
# CDM tells in one call, which is no bound; cross-entropy (in nats) is of held-out training images.
# Grids of samples (ddim of 50 steps; of the first two also ddpm of 1,000) are left in FOLDER.
# usage: cdm.sh FOLDER [UPDATES]; runs that are there are continued or taken as they are. 2,653 updates
# (the default, the demo's) take 5 minutes of DDPM on two cores; a CDM takes 2.2 times as long.
#        COUNT=1000 (test images) SAMPLES=64 THREADS=2
set -eu
[ $# -ge 1 ] || { sed -n '2,/^set/s/^# //p' "$0" >&2; exit 2; }
folder=$(mkdir -p "$1" && cd "$1" && pwd) updates=${2:-2653} count=${COUNT:-1000} samples=${SAMPLES:-64}
cd "$(dirname "$0")/../.."
. tests/bench/cases.sh
data=$(field path <configs/fashion-cdm.json)

train() { # NAME CONFIG [OPTION]...
    local run=$folder/$1 resume=""
    [ ! -e "$run/config.json" ] || resume=--resume
    # shellcheck disable=SC2086
    ./build/diffc train "$2" --out "$run" --threads "$threads" --set train.minutes=0 \
        --set train.steps="$updates" "${@:3}" $resume >&2
}
noise() { # NAME LEVEL
    ./build/diffc denoise -q -m "$folder/$1" --data "$data" --count "$count" --level "$2" --json | field squared_error
}
bits() { # NAME PROTOCOL
    ./build/diffc nll -q -m "$folder/$1" --data "$data" --count "$count" --protocol "$2" --json | tail -n 1 | field bits_per_dim
}
sample() { # NAME SAMPLER STEPS
    ./build/diffc sample -q -m "$folder/$1" --sampler "$2" --steps "$3" --count "$samples" --out "$folder/$1-$2.png" >&2
}
row() { # NAME WORDS PROTOCOL
    echo "| $2 | $(form %.4f "$(noise "$1" 250)") | $(form %.4f "$(noise "$1" 500)") |" \
        "$(form %.4f "$(noise "$1" 750)") | $(form %.3f "$(bits "$1" "$3")") ($3) |" \
        "$(form %.3f "$(sed -n '/"validation"/p' "$folder/$1/stats.jsonl" | tail -n 1 | field cross_entropy)") |"
}

# The noise levels, the prediction and the update rule of fashion-cdm.json.
train ddpm configs/fashion-ddpm.json --set model.class_conditional=false --set train.label_dropout=0 --set method.schedule=linear --set method.prediction=eps --set train.optimizer=adam --set train.lr=0.001
train cdm configs/fashion-cdm.json
train cdm-ce configs/fashion-cdm.json --set method.mse_weight=0 --set method.ce_weight=1
train cdm-mse configs/fashion-cdm.json --set method.ce_weight=0
for run in ddpm cdm cdm-ce cdm-mse; do sample $run ddim 50; done
for run in ddpm cdm; do sample $run ddpm 1000; done
echo "| model | noise at T/4 | at T/2 | at 3T/4 | bits/dim | cross-entropy |"
echo "|---|--:|--:|--:|--:|--:|"
row ddpm DDPM bound
row cdm CDM exact
row cdm-ce "CDM, cross-entropy alone" exact
row cdm-mse "CDM, squared error alone" exact
echo
echo "$updates updates of 64 images, $count test images; $(machine), $threads threads; $(date -u +%Y-%m-%d)"
