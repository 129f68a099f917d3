#!/bin/sh
# Runs every test binary in OUT/tests, the command-line cases (tests/cli/run.sh) and prints the sum.
# usage: run.sh OUT
out=$1
here=$(cd "$(dirname "$0")" && pwd) # the suppressions are found from any folder
# Waiting threads sleep instead of spinning: the cases with more threads than cores end sooner.
export OMP_WAIT_POLICY=passive
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
trap 'rm -f "$log"' EXIT
for test in "$here"/test_*.c; do
    name=$(basename "$test" .c)
    "$out/tests/$name" >"$log" 2>&1
    status=$?
    [ $status -eq 0 ] || sed '$d' "$log"
    printf '%-24s %s\n' "$name" "$(tail -n 1 "$log")"
    count "$log"
done
if [ -x "$here/cli/run.sh" ]; then
    "$here/cli/run.sh" "$out/diffc" >"$log" 2>&1
    status=$?
    [ $status -eq 0 ] || sed '$d' "$log"
    printf '%-24s %s\n' cli "$(tail -n 1 "$log")"
    count "$log"
fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
