# What bench.sh and compare.sh share; they read this file in.
# shellcheck shell=bash disable=SC2034
unset OPENBLAS_CORETYPE OPENBLAS_L2_SIZE OMP_NUM_THREADS DIFFC_CPU
rounds=${ROUNDS:-3} seconds=${SECONDS_EACH:-3} threads=${THREADS:-2} diffc=${DIFFC:-./build/diffc}

fail() { # STATUS SENTENCE
    echo "${0##*/}: $2" >&2
    exit "$1"
}
check_count() { # NAME VALUE
    case $2 in '' | 0* | *[!0-9]*) fail 2 "$1 is '$2'; it must be a whole number of at least 1" ;; esac
}
check_words() { # the words of the command line, and the settings
    [ $# -le 3 ] || fail 2 "unexpected argument '$4': it takes NETWORK, TASK and BATCH"
    case ${2:-train} in train | sample) ;; *) fail 2 "the task is '$2'; it must be train or sample" ;; esac
    check_count "the batch" "${3:-1}"
    check_count ROUNDS "$rounds"
    check_count THREADS "$threads"
}

# Lines "CONFIG TASK BATCH" of the matrix, the dear ones last. The words choose: a part of a network's
# name or a configuration file, train or sample, a batch.
cases() { # [NETWORK [TASK [BATCH]]]
    local networks="configs/bench-tiny.json configs/bench-small.json configs/cifar10-ddpm.json" config task batch
    case ${1:-} in *.json) networks=$1 ;; esac
    for config in $networks; do
        case $config in *"${1:-}"*) ;; *) continue ;; esac
        for task in sample train; do
            [ "${2:-$task}" = $task ] || continue
            if [ $task = sample ]; then set -- "${1:-}" "${2:-}" "${3:-}" 1 16 64; else set -- "${1:-}" "${2:-}" "${3:-}" 32 128; fi
            for batch in ${3:-${*:4}}; do echo "$config $task $batch"; done
        done
    done
}

# The updates of this network take seconds to a minute: few of them say enough.
repetitions() { case $1 in *cifar10-ddpm*) echo 1 ;; *) echo 3 ;; esac; } # CONFIG

diffc_bench() { # CONFIG TASK BATCH THREADS: one line of JSON
    $diffc bench "$1" --task "$2" --batch "$3" --threads "$4" --seconds "$seconds" --repeat "$(repetitions "$1")" --json -q
}
speed_key() { if [ "$1" = train ]; then echo train_images_per_s; else echo sample_forwards_per_s; fi; } # TASK
field() { sed -n "s/.*\"$1\": *\"\{0,1\}\([^\",}]*\).*/\1/p"; }
# The numbers of FILE, one a line: their median, least or greatest.
pick() { # least|median|greatest FILE
    sort -n "$2" | awk -v want="$1" '{v[NR] = $1} END {
        if (NR == 0) print "-"; else if (want == "least") print v[1]; else if (want == "greatest") print v[NR];
        else print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2}'
}
form() { awk -v f="$1" -v x="$2" 'BEGIN {if (x ~ /^[0-9.]/) printf f, x; else printf "%s", x}'; } # FORMAT NUMBER-or-word
ratio() { awk -v a="$1" -v b="$2" 'BEGIN {print a / b}'; }
machine() { sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1; }
