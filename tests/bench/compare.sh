#!/bin/bash
# Compares diffc with the best of PyTorch (eager, channels last, compiled, frozen), ONNX Runtime and OpenVINO on the
# same networks (tests/bench/peer.py; tests/bench/peers.sh installs them): the fastest variant of a case is
# found first, then it and diffc run strictly in turn; medians, ratios, spread (least and greatest of the
# ratios of one round) and peak memory. Compiling and warming up are not counted.
# usage: compare.sh [NETWORK [TASK [BATCH]]], such as "compare.sh tiny train 32"
#        ROUNDS=3 SECONDS_EACH=3 PAUSE=8 THREADS=2 HALF= PEERS=PYTHON VARIANTS="eager openvino ..."
# VARIANTS: eager channels-last compiled compiled-channels-last (PyTorch), and in sampling frozen (PyTorch's
# optimised trace) onnxruntime openvino; all of them unless some are named.
# PAUSE: seconds of rest before every measurement. Without them the first half minute after an update of
# PyTorch's was measured up to 15 % slower, with memory that a virtual machine has not sorted yet.
# HALF=1: the peers in bfloat16, which ONNX Runtime has not (diffc computes in float32 always).
# A peer may take what memory is free and no more. A variant that needs more, or fails, has no figure; one that
# dies while it is measured is named and has the figures of the rounds before.
set -eu
cd "$(dirname "$0")/../.."
. tests/bench/cases.sh
pause=${PAUSE:-8} python=${PEERS:-build/peers/bin/python} half=${HALF:+-half}
names="eager channels-last compiled compiled-channels-last frozen onnxruntime openvino"
check_words "$@"
for variant in ${VARIANTS:-}; do
    case " $names " in *" $variant "*) ;; *) fail 2 "VARIANTS has '$variant'; it may have: ${names// /, }" ;; esac
    case $variant-$half in onnxruntime-*half) fail 2 "onnxruntime has no half precision; leave it out of VARIANTS" ;; esac
done
peer="" found="" d=$(mktemp -d)
trap 'stop_peer; rm -rf "$d"' EXIT

start_peer() { # CONFIG TASK BATCH VARIANT: true when it is warm
    rm -f "$d/to" "$d/from" "$d/errors" && mkfifo "$d/to" "$d/from"
    (
        ulimit -v "$(awk '/^MemAvailable/ {print $2 + 16 * 1048576}' /proc/meminfo)" # address space that is only reserved
        OMP_NUM_THREADS=$threads exec "$python" tests/bench/peer.py "$@" 2>"$d/errors"
    ) <"$d/to" >"$d/from" &
    peer=$!
    exec 9>"$d/to" 8<"$d/from"
    local word=""
    read -r word <&8 && [ "$word" = ready ]
}
ask_peer() { # SECONDS REPETITIONS: one line of JSON; false when the peer has died
    local line=""
    trap '' PIPE
    { echo "$1 $2" >&9; } 2>/dev/null && read -r line <&8
    trap - PIPE
    [ -n "$line" ] && echo "$line"
}
stop_peer() {
    [ -n "$peer" ] || return 0
    exec 9>&- 8<&-
    wait "$peer" 2>/dev/null || :
    peer=""
}
peer_died() { echo "  $1 died while it was measured: $(tail -n 1 "$d/errors")" >&2; } # VARIANT

best_variant() { # CONFIG TASK BATCH: the fastest, the better of two tries each; empty when none works
    local best=0 variant speed
    fastest=""
    for variant in ${VARIANTS:-$names}; do
        case $2-$variant$half in train-frozen* | train-onnxruntime* | train-openvino* | *-onnxruntime-half) continue ;; esac
        if start_peer "$@" "$variant$half"; then
            for _ in 1 2; do
                sleep "$pause"
                if ! ask_peer 2 1 >"$d/out"; then
                    peer_died "$variant$half"
                    break
                fi
                speed=$(field images_per_s <"$d/out")
                echo "  $variant$half $speed" >&2
                if awk "BEGIN {exit !(${speed:-0} > $best)}"; then best=$speed fastest=$variant$half; fi
            done
        else
            echo "  $variant$half none: $(tail -n 1 "$d/errors")" >&2
        fi
        stop_peer
    done
}

compare() { # CONFIG TASK BATCH
    local c p alive
    best_variant "$@"
    rm -f "$d"/[cpr] "$d"/[cp]m && touch "$d"/{c,p,r,cm,pm}
    alive=$fastest
    if [ -n "$alive" ] && ! start_peer "$@" "$alive"; then
        peer_died "$alive"
        alive=""
    fi
    for _ in $(seq "$rounds"); do
        sleep "$pause"
        diffc_bench "$@" "$threads" >"$d/out"
        c=$(field "$(speed_key "$2")" <"$d/out")
        echo "$c" >>"$d/c"
        field peak_memory_bytes <"$d/out" | awk '{print $1 / 1048576}' >>"$d/cm"
        [ -n "$alive" ] || continue
        sleep "$pause"
        if ! ask_peer "$seconds" "$(repetitions "$1")" >"$d/out"; then
            peer_died "$alive"
            alive=""
            continue
        fi
        p=$(field images_per_s <"$d/out")
        echo "$p" >>"$d/p"
        field peak_mib <"$d/out" >>"$d/pm"
        field version <"$d/out" | sed "s/^/${fastest%-half} /" >>"$d/versions"
        ratio "$c" "$p" >>"$d/r"
    done
    stop_peer
    if [ -s "$d/p" ]; then found=1; else fastest=""; fi
    printf '%-14s %-6s %5s %9s %9s %6s %13s %6s %6s  %s\n' "$(basename "$1" .json)" "$2" "$3" \
        "$(form %.1f "$(pick median "$d/c")")" "$(form %.1f "$(pick median "$d/p")")" "$(form %.2f "$(pick median "$d/r")")" \
        "$(form %.2f "$(pick least "$d/r")")-$(form %.2f "$(pick greatest "$d/r")")" \
        "$(form %.0f "$(pick median "$d/cm")")" "$(form %.0f "$(pick median "$d/pm")")" "${fastest:--}"
}

mapfile -t all < <(cases "$@")
[ ${#all[@]} -gt 0 ] || fail 2 "no such case: $*"
for case in "${all[@]}"; do
    config=${case%% *}
    [ -r "$config" ] || fail 2 "$config cannot be read"
    for key in size channels; do
        tr -d ' \n' <"$config" | grep -q "\"data\":{[^}]*\"$key\":[0-9]" ||
            fail 2 "$config: data.$key must be a number: the peers take the shape of an image from it"
    done
done
"$python" -c 'import torch' 2>/dev/null || fail 1 "$python cannot import torch; run tests/bench/peers.sh first"
touch "$d/versions"
printf '%-14s %-6s %5s %9s %9s %6s %13s %6s %6s  %s\n' network task batch diffc/s peer/s ratio spread MiB "MiB(p)" variant
for case in "${all[@]}"; do
    # shellcheck disable=SC2086
    compare $case
done
echo "$(machine), $threads threads, $rounds rounds; $(date -u +%Y-%m-%d); versions: $(sort -u "$d/versions" | paste -sd ',' | sed 's/,/, /g')"
$diffc --version | paste -sd ';' | sed 's/;/; /g'
[ -n "$found" ] || fail 1 "none of the peers could be measured"
