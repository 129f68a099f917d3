#!/bin/sh
# The demo: five minutes of training on Fashion-MNIST, then a grid of 64 samples.
set -e
cd "$(dirname "$0")/.."
[ -e runs/demo ] && resume=--resume || resume=
./build/diffc train configs/fashion-ddpm.json --out runs/demo $resume
./build/diffc sample --model runs/demo --steps 250 --count 64 --out grid.png
echo "Look at grid.png; for the full chain of 1,000 steps: ./build/diffc sample --steps 1000 --out grid.png"
