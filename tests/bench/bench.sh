#!/bin/bash
# The speed of diffc on this machine: training and sampling of three networks, as a Markdown table on
# stdout and in build/bench.md. Each round runs a case with THREADS threads and then with one; figures
# are medians of the rounds, the spread is the least and the greatest. GFLOP/s count the multiplications
# and additions of the direct convolution (three forward passes for a training image). "of sgemm" is that
# over the best OpenBLAS sgemm of the same minute (2048x2048 matrices, THREADS threads, the core type that
# OpenBLAS chooses for this CPU).
# usage: bench.sh [NETWORK [TASK [BATCH]]], such as "bench.sh small train 32"
#        BUDGET=540 (seconds in all; what does not fit gets fewer rounds) ROUNDS=3 SECONDS_EACH=3 THREADS=2
set -eu
cd "$(dirname "$0")/../.."
. tests/bench/cases.sh
check_words "$@"
budget=${BUDGET:-540} d=$(mktemp -d)
trap 'rm -rf "$d"' EXIT

# The share of the time that is left belongs to this case; one run with all threads there is always.
measure() { # CONFIG TASK BATCH CASES_LEFT
    local end=$((SECONDS + (budget - SECONDS) / $4)) key round before cost
    key=$(speed_key "$2")
    rm -f "$d"/speed "$d"/ratio "$d"/flops "$d"/mib && touch "$d/ratio"
    for round in $(seq "$rounds"); do
        before=$SECONDS
        diffc_bench "$1" "$2" "$3" "$threads" >"$d/out"
        cost=$((SECONDS - before + 1))
        field "$key" <"$d/out" >>"$d/speed"
        field "$2_gflops" <"$d/out" >>"$d/flops"
        field peak_memory_bytes <"$d/out" | awk '{print $1 / 1048576}' >>"$d/mib"
        [ $((SECONDS + threads * cost)) -le $end ] || break
        ratio "$(field "$key" <"$d/out")" "$(diffc_bench "$1" "$2" "$3" 1 | field "$key")" >>"$d/ratio"
        [ $((SECONDS + (1 + threads) * cost)) -le $end ] || break
    done
    build/release/tests/bench/sgemm_bench "$threads" >"$d/peak"
    peak=$(cut -d ' ' -f 1 "$d/peak")
    flops=$(pick median "$d/flops")
    echo "| $(basename "$1" .json) | $2 | $3 | $(form %.4g "$(pick median "$d/speed")") |" \
        "$(form %.4g "$(pick least "$d/speed")")-$(form %.4g "$(pick greatest "$d/speed")") ($round) |" \
        "$(form %.0f "$flops") | $(form %.2f "$(ratio "$flops" "$peak")") | $(form %.0f "$peak") |" \
        "$(form %.0f "$(pick median "$d/mib")") | $(form %.2f "$(pick median "$d/ratio")") |"
}

mapfile -t all < <(cases "$@")
[ ${#all[@]} -gt 0 ] || fail 2 "no such case: $*"
{
    echo "| network | task | batch | images/s | spread (rounds) | GFLOP/s | of sgemm | sgemm GFLOP/s | MiB | $threads threads / 1 |"
    echo "|---|---|--:|--:|--:|--:|--:|--:|--:|--:|"
    for i in "${!all[@]}"; do
        # shellcheck disable=SC2086
        measure ${all[$i]} $((${#all[@]} - i))
    done
    echo
    echo "$(machine), $threads threads; $(date -u +%Y-%m-%d); $SECONDS s."
    $diffc --version | paste -sd ';' | sed 's/;/; /g; s/$/./'
} | tee build/bench.md
