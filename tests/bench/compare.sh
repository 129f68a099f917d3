#!/bin/bash
# Compares diffc with PyTorch (/usr/bin/python3 with python3-torch) on the same networks: the best of
# PyTorch's variants is found first, then both run strictly in turn; medians, ratios, spread (least and
# greatest of the ratios of one round) and peak memory.
# usage: compare.sh [NETWORK [TASK [BATCH]]], such as "compare.sh tiny train 32"
#        ROUNDS=3 SECONDS_EACH=3 PAUSE=8 THREADS=2 TORCH=tuned|stock
# PAUSE: seconds of rest before every measurement of either. Without them the first half minute after an
# update of PyTorch's was measured up to 15 % slower, with memory that a virtual machine has not sorted yet.
# TORCH=tuned: the OpenMP build of OpenBLAS where Debian has it (libopenblas0-openmp; the last lines say
# when it is missing), and a malloc that keeps its memory.
# PyTorch may take what memory is free and no more; a case that needs more, or a task that the variant
# cannot do, has no figure ("-"). All cases together take about an hour, most of it PyTorch's updates of
# cifar10-ddpm.
set -eu
cd "$(dirname "$0")/../.."
. tests/bench/cases.sh
torch=${TORCH:-tuned} failed="" d=$(mktemp -d)
setting=$torch openblas="" pause=${PAUSE:-8}
for folder in /usr/lib/*/openblas-openmp; do [ ! -e "$folder/libopenblas.so.0" ] || openblas=$folder; done
if [ "$torch" = tuned ] && [ -z "$openblas" ]; then setting="tuned without the OpenMP build of OpenBLAS"; fi
trap 'rm -rf "$d"' EXIT

run_torch() { # CONFIG TASK BATCH SECONDS REPETITIONS [OPTION]...: one line of JSON, none when it fails
    (
        ulimit -v "$(awk '/^MemAvailable/ {print $2}' /proc/meminfo)"
        if [ "$torch" = tuned ]; then
            [ -z "$openblas" ] || export LD_LIBRARY_PATH="$openblas"
            export MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=100000000000 MALLOC_TOP_PAD_=268435456
        fi
        OMP_NUM_THREADS=$threads /usr/bin/python3 tests/bench/unet_torch.py "$@"
    ) 2>>"$d/errors" || true
}

best_variant() { # CONFIG TASK BATCH: the options of PyTorch's fastest variant, the better of two tries each
    local best=0 options="" speed variant
    for variant in "" --channels-last --optimize "--channels-last --optimize" \
        "" --channels-last --optimize "--channels-last --optimize"; do
        [ "$2" = sample ] || case $variant in *optimize*) continue ;; esac
        sleep "$pause"
        # shellcheck disable=SC2086
        speed=$(run_torch "$1" "$2" "$3" 2 1 $variant | field images_per_s)
        if awk "BEGIN {exit !(${speed:-0} > $best)}"; then best=$speed options=$variant; fi
    done
    echo "$options"
}

compare() { # CONFIG TASK BATCH
    local options c t
    options=$(best_variant "$@")
    rm -f "$d"/[ctr] "$d"/[ct]m && touch "$d"/{c,t,r,cm,tm}
    for _ in $(seq "$rounds"); do
        sleep "$pause"
        diffc_bench "$@" "$threads" >"$d/out"
        c=$(field "$(speed_key "$2")" <"$d/out")
        echo "$c" >>"$d/c"
        field peak_memory_bytes <"$d/out" | awk '{print $1 / 1048576}' >>"$d/cm"
        sleep "$pause"
        # shellcheck disable=SC2086
        run_torch "$@" "$seconds" "$(repetitions "$1")" $options >"$d/out"
        t=$(field images_per_s <"$d/out")
        [ -n "$t" ] || { failed=1 && break; }
        echo "$t" >>"$d/t"
        field peak_mib <"$d/out" >>"$d/tm"
        ratio "$c" "$t" >>"$d/r"
    done
    printf '%-14s %-6s %5s %9s %9s %6s %13s %6s %6s  %s\n' "$(basename "$1" .json)" "$2" "$3" \
        "$(form %.1f "$(pick median "$d/c")")" "$(form %.1f "$(pick median "$d/t")")" "$(form %.2f "$(pick median "$d/r")")" \
        "$(form %.2f "$(pick least "$d/r")")-$(form %.2f "$(pick greatest "$d/r")")" \
        "$(form %.0f "$(pick median "$d/cm")")" "$(form %.0f "$(pick median "$d/tm")")" "${options:-eager}"
}

mapfile -t all < <(cases "$@")
[ ${#all[@]} -gt 0 ] || { echo "compare.sh: no such case: $*" >&2; exit 2; }
version=$(/usr/bin/python3 -c 'import torch; print(torch.__version__)') ||
    { echo "compare.sh: /usr/bin/python3 cannot import torch; install python3-torch" >&2; exit 1; }
printf '%-14s %-6s %5s %9s %9s %6s %13s %6s %6s  %s\n' network task batch diffc/s torch/s ratio spread MiB "MiB(t)" variant
for case in "${all[@]}"; do
    # shellcheck disable=SC2086
    compare $case
done
echo "$(machine), $threads threads, $rounds rounds; PyTorch $version ($setting); $(date -u +%Y-%m-%d)"
./build/diffc --version | paste -sd ';' | sed 's/;/; /g'
if [ -n "$failed" ]; then echo "PyTorch's last words: $(tail -n 1 "$d/errors")" >&2; fi
