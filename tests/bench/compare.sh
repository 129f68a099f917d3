#!/bin/bash
# Compares diffc with the best of PyTorch (eager, channels last, compiled), ONNX Runtime and OpenVINO on the
# same networks (tests/bench/peer.py; tests/bench/peers.sh installs them): the fastest variant of a case is
# found first, then it and diffc run strictly in turn; medians, ratios, spread (least and greatest of the
# ratios of one round) and peak memory. Compiling and warming up are not counted.
# usage: compare.sh [NETWORK [TASK [BATCH]]], such as "compare.sh tiny train 32"
#        ROUNDS=3 SECONDS_EACH=3 PAUSE=8 THREADS=2 HALF= PEERS=PYTHON VARIANTS="eager openvino ..."
# PAUSE: seconds of rest before every measurement. Without them the first half minute after an update of
# PyTorch's was measured up to 15 % slower, with memory that a virtual machine has not sorted yet.
# HALF=1: the peers in bfloat16 (diffc computes in float32 always).
# A peer may take what memory is free and no more; a variant that needs more, or fails, has no figure.
set -eu
cd "$(dirname "$0")/../.."
. tests/bench/cases.sh
pause=${PAUSE:-8} python=${PEERS:-build/peers/bin/python} half=${HALF:+-half}
d=$(mktemp -d)
trap 'stop_peer; rm -rf "$d"' EXIT

start_peer() { # CONFIG TASK BATCH VARIANT: true when it is warm
    coproc PEER {
        ulimit -v "$(awk '/^MemAvailable/ {print $2 + 16 * 1048576}' /proc/meminfo)" # address space that is only reserved
        OMP_NUM_THREADS=$threads exec "$python" tests/bench/peer.py "$@" 2>>"$d/errors"
    }
    exec 8<&"${PEER[0]}" 9>&"${PEER[1]}" # bash closes a coprocess's own descriptors in subshells
    local word=""
    read -r word <&8 && [ "$word" = ready ]
}
ask_peer() { # SECONDS REPETITIONS: one line of JSON
    local line
    echo "$1 $2" >&9 && read -r line <&8 && echo "$line"
}
stop_peer() {
    local pid=${PEER_PID:-}
    [ -n "$pid" ] || return 0
    eval "exec ${PEER[1]}>&-" 2>/dev/null || :
    exec 8<&- 9>&-
    wait "$pid" 2>/dev/null || :
}

best_variant() { # CONFIG TASK BATCH: the fastest, the better of two tries each; empty when none works
    local best=0 variant speed all="eager channels-last compiled compiled-channels-last"
    [ "$2" = train ] || all="$all frozen onnxruntime openvino"
    [ -z "$half" ] || all=${all/ onnxruntime/}
    fastest=""
    for variant in ${VARIANTS:-$all}; do
        if start_peer "$@" "$variant$half"; then
            for _ in 1 2; do
                sleep "$pause"
                speed=$(ask_peer 2 1 2>/dev/null | field images_per_s)
                echo "  $variant$half ${speed:-none}" >&2
                if awk "BEGIN {exit !(${speed:-0} > $best)}"; then best=$speed fastest=$variant$half; fi
            done
        else
            echo "  $variant$half none: $(tail -n 1 "$d/errors")" >&2
        fi
        stop_peer
    done
}

compare() { # CONFIG TASK BATCH
    local c p
    best_variant "$@"
    rm -f "$d"/[cpr] "$d"/[cp]m && touch "$d"/{c,p,r,cm,pm}
    [ -z "$fastest" ] || start_peer "$@" "$fastest" || fastest=""
    for _ in $(seq "$rounds"); do
        sleep "$pause"
        diffc_bench "$@" "$threads" >"$d/out"
        c=$(field "$(speed_key "$2")" <"$d/out")
        echo "$c" >>"$d/c"
        field peak_memory_bytes <"$d/out" | awk '{print $1 / 1048576}' >>"$d/cm"
        [ -n "$fastest" ] || continue
        sleep "$pause"
        ask_peer "$seconds" "$(repetitions "$1")" >"$d/out"
        p=$(field images_per_s <"$d/out")
        echo "$p" >>"$d/p"
        field peak_mib <"$d/out" >>"$d/pm"
        field version <"$d/out" | sed "s/^/${fastest%-half} /" >>"$d/versions"
        ratio "$c" "$p" >>"$d/r"
    done
    stop_peer
    printf '%-14s %-6s %5s %9s %9s %6s %13s %6s %6s  %s\n' "$(basename "$1" .json)" "$2" "$3" \
        "$(form %.1f "$(pick median "$d/c")")" "$(form %.1f "$(pick median "$d/p")")" "$(form %.2f "$(pick median "$d/r")")" \
        "$(form %.2f "$(pick least "$d/r")")-$(form %.2f "$(pick greatest "$d/r")")" \
        "$(form %.0f "$(pick median "$d/cm")")" "$(form %.0f "$(pick median "$d/pm")")" "${fastest:--}"
}

mapfile -t all < <(cases "$@")
[ ${#all[@]} -gt 0 ] || { echo "compare.sh: no such case: $*" >&2; exit 2; }
"$python" -c 'import torch' 2>/dev/null ||
    { echo "compare.sh: $python cannot import torch; run tests/bench/peers.sh first" >&2; exit 1; }
printf '%-14s %-6s %5s %9s %9s %6s %13s %6s %6s  %s\n' network task batch diffc/s peer/s ratio spread MiB "MiB(p)" variant
for case in "${all[@]}"; do
    # shellcheck disable=SC2086
    compare $case
done
echo "$(machine), $threads threads, $rounds rounds; $(date -u +%Y-%m-%d); versions: $(sort -u "$d/versions" | paste -sd ',' | sed 's/,/, /g')"
./build/diffc --version | paste -sd ';' | sed 's/;/; /g'
