#!/bin/bash
# Compares diffc with PyTorch (/usr/bin/python3 with python3-torch) on the same networks: the best of
# PyTorch's variants is found first, then both run strictly in turn, ROUNDS times; medians, ratios,
# spread (least and greatest of the ratios of one round) and peak memory.
# usage: compare.sh [CONFIG TASK BATCH]...      ROUNDS=3 SECONDS_EACH=5 TORCH=tuned|stock
# TORCH=tuned: the OpenMP build of OpenBLAS where Debian has it, and a malloc that keeps its memory.
set -eu
cd "$(dirname "$0")/../.."
unset OPENBLAS_CORETYPE OPENBLAS_L2_SIZE OMP_NUM_THREADS
rounds=${ROUNDS:-3} seconds=${SECONDS_EACH:-5} torch=${TORCH:-tuned}
if [ $# -eq 0 ]; then
    for name in bench-tiny bench-small; do
        set -- "$@" configs/$name.json train 32 configs/$name.json train 128
        for batch in 1 16 64; do set -- "$@" configs/$name.json sample $batch; done
    done
fi
field() { sed -n "s/.*\"$1\": *\"\{0,1\}\([^\",}]*\).*/\1/p"; }
sorted() { sort -n "$1" | awk -v want="$2" '{v[NR]=$1} END {
    if (want == "least") print v[1]; else if (want == "greatest") print v[NR];
    else print NR % 2 ? v[(NR+1)/2] : (v[NR/2]+v[NR/2+1])/2}'; }
run_torch() { # CONFIG TASK BATCH SECONDS [OPTION]...
    if [ "$torch" = tuned ]; then
        LD_LIBRARY_PATH=$(echo /usr/lib/*/openblas-openmp) MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=100000000000 \
            MALLOC_TOP_PAD_=268435456 /usr/bin/python3 tests/bench/unet_torch.py "$@"
    else
        /usr/bin/python3 tests/bench/unet_torch.py "$@"
    fi
}
d=$(mktemp -d)
trap 'rm -rf "$d"' EXIT
printf '%-14s %-7s %5s %10s %10s %7s %13s %12s  %s\n' network task batch diffc/s torch/s ratio spread 'MiB d/t' 'PyTorch variant'
while [ $# -ge 3 ]; do
    config=$1 task=$2 batch=$3
    shift 3
    best=0 options=
    for variant in "" --channels-last "--optimize" "--channels-last --optimize"; do
        [ "$task" = sample ] || case $variant in *optimize*) continue ;; esac
        # shellcheck disable=SC2086
        speed=$(run_torch "$config" "$task" "$batch" 2 $variant 2>/dev/null | field images_per_s) || speed=0
        if awk "BEGIN {exit !(${speed:-0} > $best)}"; then best=$speed options=$variant; fi
    done
    rm -f "$d"/*
    for _ in $(seq "$rounds"); do
        ./build/diffc bench "$config" --task "$task" --batch "$batch" --threads 2 --seconds "$seconds" --json -q >"$d/out"
        if [ "$task" = train ]; then key=train_images_per_s; else key=sample_forwards_per_s; fi
        c=$(field $key <"$d/out")
        field peak_memory_bytes <"$d/out" | awk '{print $1/1048576}' >>"$d/cm"
        # shellcheck disable=SC2086
        run_torch "$config" "$task" "$batch" "$seconds" $options 2>/dev/null >"$d/out"
        t=$(field images_per_s <"$d/out")
        field peak_mib <"$d/out" >>"$d/tm"
        echo "$c" >>"$d/c"
        echo "$t" >>"$d/t"
        awk "BEGIN {print $c / $t}" >>"$d/r"
    done
    printf '%-14s %-7s %5s %10.1f %10.1f %7.2f %6.2f-%6.2f %5.0f/%6.0f  %s\n' "$(basename "$config" .json)" "$task" "$batch" \
        "$(sorted "$d/c" median)" "$(sorted "$d/t" median)" "$(sorted "$d/r" median)" "$(sorted "$d/r" least)" \
        "$(sorted "$d/r" greatest)" "$(sorted "$d/cm" median)" "$(sorted "$d/tm" median)" "${options:-eager}"
done
./build/diffc --version
/usr/bin/python3 -c 'import torch; print("torch", torch.__version__, "'"$torch"'")'
sed -n 's/^model name.*: /cpu: /p' /proc/cpuinfo | head -n 1
