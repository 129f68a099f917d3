#!/bin/sh
# Training and sampling speed of the shipped bench configurations.
cd "$(dirname "$0")/../.." || exit 1
for config in configs/bench-tiny.json configs/bench-small.json; do
    for batch in 1 16 32; do
        echo "$config, batch $batch"
        ./build/diffc bench "$config" --batch "$batch" || exit
    done
done
