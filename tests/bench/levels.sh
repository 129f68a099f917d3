#!/bin/sh
# The levels of this machine in turn: processor seconds of one thread for bench-small, which other processes
# disturb less than the clock. usage: levels.sh [ROUNDS] [PROGRAM...]; each PROGRAM but the first runs at blas
# alone (a build with another BLAS). Prints "what task median least most ratio": the ratio is avx2's (or the
# first level's) median over this one's, so above 1 is faster.
cd "$(dirname "$0")/../.." || exit 2
unset OPENBLAS_CORETYPE OMP_NUM_THREADS
rounds=${1:-5}
[ $# -eq 0 ] || shift
[ $# -gt 0 ] || set -- build/release/diffc
seconds() { # PROGRAM LEVEL TASK REPEAT
    { DIFFC_CPU=$2 bash -c 'TIMEFORMAT=%U; time "$0" bench configs/bench-small.json --batch 16 --threads 1 --seconds 0 --task "$1" --repeat "$2" >/dev/null 2>&1' "$1" "$3" "$4"; } 2>&1
}
for round in $(seq "$rounds"); do
    for task in sample train; do
        [ $task = sample ] && repeat=4 || repeat=2
        number=0
        for program; do
            number=$((number + 1))
            for level in avx2 avx512 blas plain; do
                [ $number = 1 ] || [ $level = blas ] || continue
                DIFFC_CPU=$level "$program" --version >/dev/null 2>&1 || continue
                name=$(DIFFC_CPU=$level "$program" --version | sed -n 's/^level: //p')
                echo "$task|$name|$(seconds "$program" $level $task $repeat)"
            done
        done
    done
done | sort -t '|' -k1,1 -k2,2 -k3,3n | awk -F '|' '
    function put() { if (n) { median = v[int((n + 1) / 2)]; if (!(task in base)) base[task] = median
        printf "%-45s %-6s %6.2f %6.2f %6.2f  %.2f\n", name, task, median, v[1], v[n], base[task] / median } n = 0 }
    $1 FS $2 != key { put(); key = $1 FS $2 } { task = $1; name = $2; v[++n] = $3 } END { put() }'
