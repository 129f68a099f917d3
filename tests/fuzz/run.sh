#!/bin/sh
# Runs every fuzz target of a build for some seconds. Each has a corpus folder that grows from run
# to run (BUILD/corpus/NAME); seeds.sh names the folders of its seeds, which `make test` runs too. A
# finding is left in BUILD/findings. Exit 1 if there is any.
# usage: run.sh BUILD [SECONDS]
build=$1
seconds=${2:-60}
here=$(dirname "$0")
bad=0
ran=0
mkdir -p "$build/findings" || exit 2
for target in "$build"/fuzz/fuzz_*; do
    [ -f "$target" ] && [ -x "$target" ] || continue
    case $target in *.*) continue ;; esac
    name=$(basename "$target")
    name=${name#fuzz_}
    set -- "$build/corpus/$name"
    mkdir -p "$1" || exit 2
    # shellcheck disable=SC2046 # a list of folders
    set -- "$@" $("$here/seeds.sh" "$name")
    log=$build/findings/$name.log
    if "$target" -max_total_time="$seconds" -timeout=5 -rss_limit_mb=2048 \
        -artifact_prefix="$build/findings/$name-" -print_final_stats=1 "$@" >"$log" 2>&1; then
        runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
        printf '%-16s %s runs, no finding\n' "$name" "${runs:-0}"
    else
        printf '%-16s FINDING, see %s\n' "$name" "$log"
        tail -n 20 "$log"
        bad=1
    fi
    ran=$((ran + 1))
done
[ $ran -gt 0 ] || { echo "no fuzz targets in $build/fuzz" >&2; exit 2; }
exit $bad
