#!/bin/bash
# What each choice of the demo's recipe is worth: trains configs/fashion-ddpm.json with one change at a time for
# UPDATES updates of 64 images, draws COUNT images with each sampler, and prints their Frechet distances by
# fd_fashion.py (less is better) as a table.
# usage: recipe.sh PATH/TO/diffc FOLDER [NAME...]  ; the rows, all by default; everything is left in FOLDER, and
# what is there is not made again
#   UPDATES=1600 SEED=0 COUNT=2000 SAMPLERS="dpm++2m:20 heun:35"  PYTHON=build/peers/bin/python
# An entry of SAMPLERS is NAME:STEPS or NAME:STEPS:SPACING, such as heun:18:karras; the run's own spacing without.
set -eu
[ $# -ge 2 ] || { sed -n '/^# usage/,/^#   /s/^# //p' "$0" >&2; exit 2; }
cd "$(dirname "$0")/../.."
unset OPENBLAS_CORETYPE OPENBLAS_L2_SIZE
program=$1 folder=$2 python=${PYTHON:-build/peers/bin/python} seed=${SEED:-0} updates=${UPDATES:-1600}
samplers=${SAMPLERS:-dpm++2m:20 heun:35}
shift 2
"$python" -c 'import torch' 2>/dev/null || { echo "recipe.sh: $python cannot import torch; run tests/bench/peers.sh first" >&2; exit 1; }
rows() { # NAME KEY=VALUE...
    cat <<ROWS
demo
no-classes model.class_conditional=false train.label_dropout=0
noise method.prediction=eps
x0 method.prediction=x0
min-snr method.min_snr_gamma=5
linear method.schedule=linear
logsnr method.schedule=logsnr
linear-noise method.schedule=linear method.prediction=eps
linear-noise-0.002 method.schedule=linear method.prediction=eps train.lr=0.002
linear-noise-adam method.schedule=linear method.prediction=eps train.optimizer=adam train.lr=0.001
adam train.optimizer=adam train.lr=0.001
adam-0.002 train.optimizer=adam train.lr=0.002
even-times method.times=even
lr-0.002 train.lr=0.002
lr-0.01 train.lr=0.01
warmup-400 train.warmup=400
batch-16 train.batch=16 train.steps=$((4 * updates))
batch-32 train.batch=32 train.steps=$((2 * updates))
batch-128 train.batch=128 train.steps=$((updates / 2))
ema-0.98 train.ema=0.98
ema-0.99 train.ema=0.99
flip data.flip=true
attention-14-7 model.attention=[14,7]
no-attention model.attention=[] model.mid_attention=false
wide-below model.multipliers=[1,2,4]
narrow-above model.channels=24 model.multipliers=[1,3,3]
dropout model.dropout=0.1
blocks-2 model.blocks=2
scale-shift model.scale_shift=true
input-fourier model.input_fourier=[1,2]
ROWS
}
mkdir -p "$folder"
row() { # NAME KEY=VALUE...
    local name=$1 run=$folder/$1-$seed set=() one cells=""
    shift
    for one; do set+=(--set "$one"); done
    [ -e "$run/model/model_index.json" ] ||
        "$program" train configs/fashion-ddpm.json -q --seed "$seed" --out "$run" --set train.minutes=0 \
            --set train.steps="$updates" "${set[@]}" >"$run.log"
    for one in $samplers; do
        local sampler steps spacing pictures=$run/${one//:/-}.npz
        IFS=: read -r sampler steps spacing <<<"$one"
        [ -e "$pictures" ] || "$program" sample -q -m "$run" --sampler "$sampler" --steps "$steps" ${spacing:+--spacing "$spacing"} \
            --count "${COUNT:-2000}" --seed 0 --npz "$pictures" >>"$run.log"
        cells="$cells $("$python" tests/bench/fd_fashion.py "$pictures" | sed 's/.*distance \([0-9.]*\).*/\1/') |"
    done
    echo "| $name | $* |$cells"
}
echo "| row | changed | ${samplers// / | } |"
echo "|---|---|$(for one in $samplers; do printf -- '--:|'; done)"
rows | while read -r name set; do
    [ $# -eq 0 ] || case " $* " in *" $name "*) ;; *) continue ;; esac
    # shellcheck disable=SC2086
    row "$name" $set </dev/null
done
