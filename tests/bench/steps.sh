#!/bin/sh
# Ten, twenty and fifty of a thousand steps: the bound of their chain in bits per dimension, as a table, and
# grids of 36 images. One DDPM is trained, or given; from it every number of steps has an EDDPM that goes on
# for some updates, and the other choices have one DDPM that went on for as many. All bounds have fitted
# variances and the first IMAGES test images.
# usage: steps.sh PATH/TO/diffc FOLDER [MODEL] ; everything is left in FOLDER, and what is there is not made again
#   MINUTES=5   of the DDPM, when no MODEL is given
#   EXTRA=2     minutes in which the DDPM goes on; each EDDPM does as many updates
#   IMAGES=256  STEPS="10 20 50"  CONFIG=configs/fashion
# About MINUTES + 4 EXTRA and 20 minutes on two cores.
set -eu
[ $# -ge 2 ] || { sed -n '6,10s/^# //p' "$0" >&2; exit 2; }
program=$1
folder=$2
config=${CONFIG:-configs/fashion}
mkdir -p "$folder"
base=${3:-$folder/base}
# The noise levels, the prediction and the update rule of fashion-eddpm.json; a MODEL must have them.
same="--set method.schedule=linear --set method.prediction=eps --set train.optimizer=adam --set train.lr=0.001"
# A new schedule of the rate, gentler than from scratch.
again="--init $base --set train.lr=3e-4 --set train.warmup=20"
train() { # RUN CONFIG [OPTION]...
    [ -e "$folder/$1/model/model_index.json" ] && return
    run=$1 file=$2
    shift 2
    "$program" train "$config-$file.json" -q --out "$folder/$run" "$@" >"$folder/$run.log"
}
bound() { # RUN [OPTION]...: bits/dim
    "$program" nll -q --json --data "$data" --count "${IMAGES:-256}" --variance fitted --exact -m "$@" |
        awk -F '"bits_per_dim":' '/"event":"summary"/ {printf "%.3f", $2}'
}
grid() { # NAME RUN [OPTION]...
    picture=$folder/$1.png
    shift
    "$program" sample -q --count 36 --seed 0 --out "$picture" -m "$@" >"$folder/grid.log"
}
data=$(sed -n 's/.*"path": *"\([^"]*\)".*/\1/p' "$config-ddpm.json")
# shellcheck disable=SC2086
[ $# -ge 3 ] || train base ddpm $same --set train.minutes="${MINUTES:-5}"
# shellcheck disable=SC2086
train ddpm ddpm $same $again --set train.minutes="${EXTRA:-2}"
updates=$(sed -n 's/.*"event":"step","step":\([0-9]*\).*/\1/p' "$folder/ddpm/stats.jsonl" | tail -n 1)
echo "| steps | EDDPM | even | quadratic | dp |"
echo "|--:|--:|--:|--:|--:|"
for steps in ${STEPS:-10 20 50}; do
    # shellcheck disable=SC2086
    train "eddpm-$steps" eddpm $again --set method.keep="$steps" --set train.minutes=0 --set train.steps="$updates"
    grid "eddpm-$steps" "$folder/eddpm-$steps"
    row="| $steps | $(bound "$folder/eddpm-$steps") |"
    for spacing in even quadratic dp; do
        grid "$spacing-$steps" "$folder/ddpm" --sampler ddpm --steps "$steps" --spacing $spacing
        row="$row $(bound "$folder/ddpm" --steps "$steps" --spacing $spacing) |"
    done
    echo "$row"
done
echo
echo "$updates updates of the DDPM and of each EDDPM after $base; ${IMAGES:-256} images."
