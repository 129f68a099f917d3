#!/bin/sh
# Checksums of what the program computes, to compare two builds on one machine: a change that only
# moves code must not change a bit.
#
#   tests/golden/bits.sh build/release/diffc >before    # then change the code and build again
#   tests/golden/bits.sh build/release/diffc >after && diff before after
#
# Each line: level, what was computed, checksum. What is computed, at each level of DIFFC_CPU that this
# CPU has: the weights and the JSON files of the model after 20 updates of every configuration in configs/,
# two images by every sampler that works with the trained models, and the scores of two images by every
# protocol. Configurations whose data set is not installed train on noise of the same shape. The checksums depend on the machine
# (its mathematical library, its instruction sets), so they are not kept in the repository.
#
# usage: bits.sh DIFFC [LEVEL...]     levels: plain avx2 avx512 (default: all that this CPU has);
#                                      ONLY=PATTERN: configurations of these names alone, such as "toy-*"
set -eu
[ $# -ge 1 ] || { sed -n 's/^# usage: /usage: /p' "$0" >&2; exit 2; }
only=${ONLY:-*}
diffc=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
shift
here=$(cd "$(dirname "$0")" && pwd)
repository=$(cd "$here/../.." && pwd)
. "$here/../environment.sh"
scratch=$(mktemp -d "${TMPDIR:-/tmp}/diffc-bits.XXXXXX")
if [ $# -eq 0 ]; then
    for level in plain avx2 avx512; do
        if DIFFC_CPU=$level "$diffc" --version >/dev/null 2>&1; then set -- "$@" $level; fi
    done
fi
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM
cd "$scratch"

noise() { # COUNT SIDE: an IDX file of grey images whose bytes are not all the same
    printf '\000\000\010\003\000\000\000%b\000\000\000%b\000\000\000%b' \
        "$(printf '\\%03o' "$1")" "$(printf '\\%03o' "$2")" "$(printf '\\%03o' "$2")"
    yes 'a grey image, row after row' | tr 'a-z' '\000-\031\200-\207' | head -c $(($1 * $2 * $2))
}
mkdir grey
noise 64 28 >grey/train-images-idx3-ubyte
# CIFAR's layout: a label and 3072 bytes an image.
mkdir colour
for batch in data_batch_1 data_batch_2 data_batch_3 data_batch_4 data_batch_5 test_batch; do
    i=0
    while [ $i -lt 16 ]; do
        printf '%b' "$(printf '\\%03o' $((i % 10)))"
        yes "colours of image $i in $batch" | head -c 3072
        i=$((i + 1))
    done >colour/$batch.bin
done


record() { # WHAT FILE...: a line for the level at hand
    what=$1
    shift
    printf '%s %s %s\n' "$level" "$what" "$(cat "$@" | sha256sum | cut -c 1-32)"
}
data_of() { # CONFIG: what to set so that it has data to train on
    path=$(sed -n 's/^ *"path": *"\([^"]*\)".*/\1/p' "$1" | head -n 1)
    case $path in
    *cifar*) if [ -d "$repository/$path" ]; then set -- "$repository/$path"; else set -- colour; fi ;;
    /*) if [ -e "$path" ]; then set -- "$path"; else set -- grey; fi ;;
    *) if grep -q '"toy"' "$1"; then return; else set -- grey; fi ;;
    esac
    printf -- '--set data.path=%s --set data.validation=8' "$1"
}
try() { # WHAT FILE COMMAND...: records FILE, or that the command is refused
    what=$1 file=$2
    shift 2
    rm -f "$file"
    if "$@" >out 2>err </dev/null; then
        record "$what" "$file"
    elif [ $? -eq 2 ]; then
        printf '%s %s refused\n' "$level" "$what"
    else
        echo "$what: $(tail -n 1 err)" >&2
        exit 1
    fi
}
samplers=$("$diffc" sample --help | sed -n '/^Samplers:/,$s/^  \([a-z][a-z+0-9-]*\)\( .*\)*$/\1/p')
protocols=$("$diffc" nll --help | sed -n '/^Protocols:/,$s/^  \([a-z]*\)  .*/\1/p')
[ -n "$samplers" ] && [ -n "$protocols" ]

for level in "$@"; do
    export DIFFC_CPU="$level"
    for config in "$repository"/configs/*.json; do
        name=$(basename "$config" .json)
        # shellcheck disable=SC2254 # a pattern is meant
        case $name in $only) ;; *) continue ;; esac
        # shellcheck disable=SC2046 # several words are meant
        "$diffc" train "$config" -q --out "$level-$name" $(data_of "$config") --steps 20 --set train.minutes=0 \
            --set train.batch=4 --set train.log_every=5 --set train.validate=8 --set train.checkpoint_every=0 \
            >out 2>err || { cat err >&2; exit 1; }
        record "$name weights" "$level-$name"/model/*/*.safetensors
        record "$name folder" "$level-$name"/model/*.json "$level-$name"/model/*/*.json
        case $name in
        cifar10-* | bench-*) continue ;; # the methods of the others, on larger networks
        toy-*) made='--csv' file=points.csv ;;
        *) made='--npz' file=images.npz ;;
        esac
        for sampler in $samplers; do
            case $sampler in ode) length='--tolerance 0.01' ;; *) length='--steps 6' ;; esac
            # shellcheck disable=SC2086 # several words are meant
            try "$name sample $sampler" "$file" "$diffc" sample -m "$level-$name" -q --sampler "$sampler" $length \
                --count 2 --seed 5 "$made" "$file"
        done
        case $name in toy-*) continue ;; esac
        for protocol in $protocols; do
            try "$name nll $protocol" scores.csv "$diffc" nll -m "$level-$name" -q --protocol "$protocol" \
                --data grey --count 2 --csv scores.csv
        done
    done
done
