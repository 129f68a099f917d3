#!/bin/bash
# Compares diffc with PyTorch (/usr/bin/python3 with python3-torch) on the bench configurations: both
# in turn, ROUNDS times, medians and ratios.
# usage: compare.sh [CONFIG...]      ROUNDS=3 SECONDS_EACH=6 BATCH=32 SAMPLE_BATCH=16
set -eu
cd "$(dirname "$0")/../.."
unset OPENBLAS_CORETYPE OPENBLAS_L2_SIZE
rounds=${ROUNDS:-3} seconds=${SECONDS_EACH:-6} batch=${BATCH:-32} sample_batch=${SAMPLE_BATCH:-16}
[ $# -gt 0 ] || set -- configs/bench-tiny.json configs/bench-small.json
field() { sed -n "s/.*\"$1\": *\([0-9.e+-]*\).*/\1/p"; }
median() { sort -n | awk '{v[NR]=$1} END {printf "%.2f", NR % 2 ? v[(NR+1)/2] : (v[NR/2]+v[NR/2+1])/2}'; }
printf '%-24s %-14s %12s %12s %8s %12s\n' network task diffc/s torch/s ratio 'MiB d/t'
for config; do
    d=$(mktemp -d)
    trap 'rm -rf "$d"' EXIT
    for _ in $(seq "$rounds"); do
        ./build/diffc bench "$config" --task train --batch "$batch" --threads 2 -q --seconds "$seconds" --json >"$d/out"
        field train_images_per_s <"$d/out" >>"$d/train.c"
        field peak_memory_bytes <"$d/out" | awk '{print $1/1048576}' >>"$d/train.cm"
        /usr/bin/python3 tests/bench/unet_torch.py "$config" train "$batch" "$seconds" >"$d/out"
        field images_per_s <"$d/out" >>"$d/train.t"
        field peak_mib <"$d/out" >>"$d/train.tm"
        ./build/diffc bench "$config" --task sample --batch "$sample_batch" --threads 2 -q --seconds "$seconds" --json >"$d/out"
        field sample_forwards_per_s <"$d/out" >>"$d/sample.c"
        field peak_memory_bytes <"$d/out" | awk '{print $1/1048576}' >>"$d/sample.cm"
        /usr/bin/python3 tests/bench/unet_torch.py "$config" sample "$sample_batch" "$seconds" >"$d/out"
        field images_per_s <"$d/out" >>"$d/sample.t"
        field peak_mib <"$d/out" >>"$d/sample.tm"
    done
    for task in train sample; do
        c=$(median <"$d/$task.c") t=$(median <"$d/$task.t")
        size=$batch; [ $task = train ] || size=$sample_batch
        printf '%-24s %-14s %12s %12s %8.2f %12s\n' "$(basename "$config" .json)" "$task x$size" "$c" "$t" \
            "$(awk "BEGIN {print $c / $t}")" "$(median <"$d/$task.cm" | cut -d. -f1)/$(median <"$d/$task.tm" | cut -d. -f1)"
    done
done
./build/diffc --version | tail -n +1
/usr/bin/python3 -c 'import torch; print("torch", torch.__version__)'
