#!/bin/bash
# Which ten noise levels: EDDPM's two recipes, and spacings of a DDPM that trained as long, as a table: the bound
# of their chain in bits per dimension (fitted variances, the first IMAGES test images) and the Frechet distance
# of COUNT images by fd_fashion.py for each sampler. MODEL is a run of configs/fashion-ddpm.json; all go on from it.
# usage: few_calls.sh PATH/TO/diffc FOLDER MODEL ; everything is left in FOLDER, and what is there is not made again
#   CALLS=10  EXTRA=350 (updates)  IMAGES=256  COUNT=2000  SAMPLERS="ddpm dpm++2m unipc"  THREADS=2
#   PYTHON=build/peers/bin/python
# About half an hour on two cores.
set -eu
[ $# -eq 3 ] || { sed -n '5,7s/^# //p' "$0" >&2; exit 2; }
cd "$(dirname "$0")/../.."
unset OPENBLAS_CORETYPE OPENBLAS_L2_SIZE
program=$1 folder=$2 model=$3 calls=${CALLS:-10} threads=${THREADS:-2} python=${PYTHON:-build/peers/bin/python}
mkdir -p "$folder"
data=$(sed -n 's/.*"path": *"\([^"]*\)".*/\1/p' configs/fashion-ddpm.json)
go_on() { # RUN KEY=VALUE...: from MODEL, with a new schedule of the rate, gentler than from scratch
    local run=$folder/$1 one set=()
    shift
    for one; do set+=(--set "$one"); done
    [ -e "$run/model/model_index.json" ] ||
        "$program" train configs/fashion-ddpm.json -q --init "$model" --out "$run" --threads "$threads" --set train.minutes=0 \
            --set train.steps="${EXTRA:-350}" --set train.lr=0.0015 --set train.warmup=20 "${set[@]}" >"$run.log"
}
row() { # NAME RUN [OPTION]...
    local name=$1 run=$folder/$2 sampler pictures cells
    shift 2
    cells=$("$program" nll -q --json --data "$data" --count "${IMAGES:-256}" --variance fitted --exact --threads "$threads" \
        -m "$run" "$@" | awk -F '"bits_per_dim":' '/"event":"summary"/ {printf "%.3f |", $2}')
    for sampler in ${SAMPLERS:-ddpm dpm++2m unipc}; do
        pictures=$folder/$name-$sampler.npz
        [ -e "$pictures" ] || "$program" sample -q -m "$run" --sampler "$sampler" "$@" --threads "$threads" \
            --count "${COUNT:-2000}" --seed 0 --npz "$pictures" >"$folder/sample.log"
        cells="$cells $("$python" tests/bench/fd_fashion.py "$pictures" | sed 's/.*distance \([0-9.]*\).*/\1/') |"
    done
    echo "| $name | $cells"
}
go_on ddpm
go_on tuned method.type=eddpm method.keep="$calls"
go_on paper method.type=eddpm method.keep="$calls" method.recipe=paper method.alphas=merged
samplers=${SAMPLERS:-ddpm dpm++2m unipc}
echo "| steps | bits/dim | ${samplers// / | } |"
echo "|---|--:|$(for sampler in $samplers; do printf -- '--:|'; done)"
row tuned tuned
row paper paper # with merged alphas: the literal chain of so few fine steps never comes near noise
for spacing in even quadratic logsnr karras dp; do row $spacing ddpm --steps "$calls" --spacing $spacing; done
