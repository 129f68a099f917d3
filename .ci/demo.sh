#!/bin/sh
# The demo: five minutes of training on Fashion-MNIST (DEMO_MINUTES), then a grid of 64 samples. Run again
# it continues what was interrupted. PROGRAM is diffc.
cd "$(dirname "$0")/.." || exit 2
program=${PROGRAM:-build/diffc}
trap : INT # diffc finishes its step and saves; this script waits for it
failed() { # STATUS
    if [ "$1" -eq 130 ]; then
        echo "the demo was interrupted: run 'make demo' again to continue" >&2
    elif [ -n "$resume" ]; then
        echo "'rm -r runs/demo' and 'make demo' start the demo from the beginning" >&2
    fi
    exit "$1"
}
resume=
[ ! -e runs/demo/config.json ] || resume=--resume
"$program" train configs/fashion-ddpm.json --out runs/demo $resume ${DEMO_MINUTES:+--set train.minutes="$DEMO_MINUTES"} || failed $?
if [ grid.png -nt runs/demo/model ]; then
    echo "grid.png shows 64 samples of it already; 'rm -r runs/demo' and 'make demo' start from the beginning"
else
    "$program" sample --model runs/demo --steps 250 --count 64 --out grid.png || failed $?
    echo "Look at grid.png. The full chain of 1,000 steps: $program sample --model runs/demo --steps 1000 --out grid.png"
fi
