#!/bin/sh
# Runs every test binary in OUT/tests, the fuzz targets on their seeds, the command-line cases
# (tests/cli/run.sh), a sample of the faults (tests/faults/sweep.c) and what the Makefile promises
# (tests/build.sh, tests/api/installed.sh) and prints the sum; before it "N skipped: why" for cases that need what this machine
# lacks. The tests of math, operations and networks run at every level of this machine; with --level all
# tests run at that one. --no-skip: skipped cases are failures. --faults N: so many faults of a kind and
# command.
# usage: run.sh [--faults N] [--no-skip] [--level LEVEL] OUT
no_skip=
faults=5
[ "$1" = --faults ] && { faults=$2; shift 2; }
[ "$1" = --no-skip ] && { no_skip=1; shift; }
[ "$1" = --level ] && { export TEST_LEVEL="$2"; shift 2; }
out=$1
here=$(cd "$(dirname "$0")" && pwd) # the suppressions are found from any folder
. "$here/environment.sh"
# clang's OpenMP keeps a few blocks of its own until the end.
export LSAN_OPTIONS="suppressions=$here/lsan.supp:print_suppressions=0"
passed=0
failed=0
count() { # adds the closing line of a log; a missing one is a failure
    line=$(tail -n 1 "$1")
    case $line in
    *" passed, "*" failed")
        passed=$((passed + ${line%% passed*}))
        rest=${line#* passed, }
        failed=$((failed + ${rest%% failed*}))
        ;;
    *)
        echo "  no closing line (crashed?)"
        failed=$((failed + 1))
        ;;
    esac
}
log=$(mktemp)
skipped=$(mktemp)
trap 'rm -f "$log" "$skipped"' EXIT
report() { # NAME STATUS
    [ "$2" -eq 0 ] || sed '$d' "$log"
    count "$log"
    grep '^[0-9]* skipped: ' "$log" >>"$skipped"
    printf '%-24s %s\n' "$1" "$(tail -n 1 "$log")"
}
has_level() { DIFFC_CPU=$1 "$out/diffc" --version >/dev/null 2>&1; }
others= # the levels besides the chosen one
if [ -n "${TEST_LEVEL:-}" ]; then
    has_level "$TEST_LEVEL" || { echo "1 skipped: this machine or build lacks the level $TEST_LEVEL"; echo "0 passed, 0 failed"; exit 0; }
elif [ -x "$out/diffc" ]; then
    chosen=$("$out/diffc" --version | sed -n 's/^level: \([a-z0-9]*\).*/\1/p')
    for level in plain avx2 avx512 blas; do [ $level = "$chosen" ] || ! has_level $level || others="$others $level"; done
fi
for test in "$here"/*/test_*.c; do
    name=$(basename "$test" .c)
    room=$(basename "$(dirname "$test")")
    "$out/tests/$room/$name" >"$log" 2>&1
    report "$name" $?
    case $room/$name in
    net/test_fast_net) ;; # goes through the levels itself
    math/* | ops/* | net/*)
        for level in $others; do
            DIFFC_CPU=$level "$out/tests/$room/$name" >"$log" 2>&1
            report "$name $level" $?
        done
        ;;
    esac
done
for target in "$here"/fuzz/fuzz_*.c; do
    [ -e "$target" ] || continue
    name=$(basename "$target" .c)
    # shellcheck disable=SC2046 # a list of folders
    "$out/tests/$name" $("$here/fuzz/seeds.sh" "${name#fuzz_}") >"$log" 2>&1
    status=$?
    grep -v '^/' "$log" >"$log.short" # one line a seed; the last names the one that crashed
    [ $status -le 1 ] || tail -n 1 "$log" >"$log.short"
    mv "$log.short" "$log"
    report "$name" $status
done
if [ -x "$here/cli/run.sh" ]; then
    "$here/cli/run.sh" "$out/diffc" 3>&1 >"$log" 2>&1
    report cli $?
fi
if [ -x "$out/tests/faults/sweep" ]; then
    "$out/tests/faults/sweep" --runs "$faults" "$out/diffc" "$out/tests/faults/faults.so" >"$log" 2>&1
    report faults $?
fi
if [ -x "$here/build.sh" ]; then
    "$here/build.sh" >"$log" 2>&1
    report build $?
fi
# A library with a sanitizer in it serves no other program.
if [ -x "$here/api/installed.sh" ] && [ "$(basename "$out")" != asan ]; then
    "$here/api/installed.sh" "$out" >"$log" 2>&1
    report installed $?
fi
if [ -x "$here/readme.sh" ]; then
    "$here/readme.sh" "$out/diffc" >"$log" 2>&1
    report readme $?
fi
# Equal reasons are summed.
awk '{ n = $1; sub(/^[0-9]* skipped: /, ""); sum[$0] += n } END { for (why in sum) print sum[why] " skipped: " why }' "$skipped" | sort
if [ -n "$no_skip" ] && [ -s "$skipped" ]; then
    echo "no case may be skipped here"
    failed=$((failed + 1))
fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
