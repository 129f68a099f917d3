#!/bin/sh
# What EDDPM's recipes and its alphas are worth, as a table: the bound in bits per dimension (fitted
# variances, the first IMAGES test images) of chains of KEEP of 1,000 steps on Fashion-MNIST of 14 x 14
# pixels, the mean of SEEDS runs and its standard deviation over them. One DDPM is trained; every run goes
# on from it. Last, 10 of 50 steps with large betas, from scratch.
# usage: eddpm.sh PATH/TO/diffc FOLDER ; everything is left in FOLDER, and what is there is not made again
#   KEEP=20  SEEDS="1 2 3" (two or more)  IMAGES=128  UPDATES=300  BASE=1000 (updates of the DDPM)
# Less than half an hour on two cores.
set -eu
[ $# -ge 2 ] || { sed -n '6,8s/^# //p' "$0" >&2; exit 2; }
program=$1
folder=$2
mkdir -p "$folder"
small="--set data.size=14 --set model.channels=16 --set model.multipliers=[1,2] --set model.attention=[7]
    --set train.minutes=0 --set train.checkpoint_every=0 --set train.validate=0 --set sample.count=4"
data=$(sed -n 's/.*"path": *"\([^"]*\)".*/\1/p' configs/fashion-eddpm.json)
train() { # RUN CONFIG UPDATES [OPTION]...
    [ -e "$folder/$1/model/model_index.json" ] && return
    run=$1 config=$2 updates=$3
    shift 3
    # shellcheck disable=SC2086
    "$program" train "configs/$config.json" -q --out "$folder/$run" --steps "$updates" $small "$@" >"$folder/$run.log"
}
bound() { # RUN: bits/dim
    "$program" nll -q --json --data "$data" --resize --count "${IMAGES:-128}" --variance fitted --exact -m "$folder/$1" |
        awk -F '"bits_per_dim":' '/"event":"summary"/ {print $2 + 0}'
}
row() { # NAME WORDS [SETTING]...
    name=$1 words=$2
    shift 2
    for seed in ${SEEDS:-1 2 3}; do
        train "$name-$seed" fashion-eddpm "${UPDATES:-300}" --init "$folder/base" --set train.lr=3e-4 \
            --set train.warmup=20 --set method.keep="${KEEP:-20}" --seed "$seed" "$@"
        bound "$name-$seed"
    done | awk -v words="$words" '{n++; sum += $1; square += $1 * $1}
        END {mean = sum / n; variance = (square - n * mean * mean) / (n - 1)
             printf "| %s | %.3f | %.3f |\n", words, mean, sqrt(variance)}'
}
# The noise levels, the prediction and the update rule of fashion-eddpm.json.
train base fashion-ddpm "${BASE:-1000}" --set model.class_conditional=false --set train.label_dropout=0 --set method.schedule=linear --set method.prediction=eps --set train.optimizer=adam --set train.lr=0.001
echo "| settings | bits/dim | deviation |"
echo "|---|--:|--:|"
row tuned "the recipe tuned"
row alphas "tuned, but alphas: literal" --set method.alphas=literal
row merged "paper, but alphas: merged" --set method.recipe=paper --set method.alphas=merged
row paper "the recipe paper" --set method.recipe=paper
# The schedule of the paper's configuration: 50 steps with large betas, of which 10 are kept.
train fifty-paper fashion-eddpm-paper 600 --seed 1
train fifty-tuned fashion-eddpm 600 --seed 1 --set method.steps=50 --set method.schedule=scaled_linear \
    --set method.beta_end=0.5 --set method.keep=10
echo
echo "10 of 50 steps, 600 updates: paper $(bound fifty-paper), tuned $(bound fifty-tuned) bits/dim."
