#!/bin/sh
# Runs third-party test suites, which are not part of the repository, and compares what diffc makes of
# each file with the tables beside this script (by the file's SHA-256; the name is for the reader).
# `make check SUITES=FOLDER` does it under the sanitizers; FOLDER holds any of
#
#   PngSuite               schaik.com/pngsuite, in the sources of libpng and of many PNG libraries
#   JSONTestSuite          github.com/nst/JSONTestSuite, folder test_parsing
#   JPEG files             github.com/image-rs/jpeg-decoder, folders tests/crashtest, tests/reftest and fuzz-afl/in
#
# in any folders below it. JSON files whose name starts with y_ are accepted and those with n_ refused; the
# table holds the others and the exceptions. Files that are in no table are read too; they only must not
# crash. PNG files whose name starts with x are damaged.
# usage: run.sh [--update TABLE] OUT FOLDER     --update: writes tests/suites/TABLE.txt from FOLDER
here=$(cd "$(dirname "$0")" && pwd)
table=
[ "$1" = --update ] && { table=$here/$2.txt; shift 2; }
out=$1
folder=$2
scratch=$(mktemp -d "${TMPDIR:-/tmp}/diffc-suites.XXXXXX") || exit 2
trap 'rm -rf "$scratch"' EXIT
[ -d "$folder" ] || { echo "SUITES: $folder is no folder" >&2; exit 2; }
find "$folder" -type f \( -iname '*.png' -o -iname '*.jpg' -o -iname '*.jpeg' -o -iname '*.json' \) |
    LC_ALL=C sort >"$scratch/paths"
[ -s "$scratch/paths" ] || { echo "SUITES: $folder holds no PNG, JPEG or JSON files" >&2; exit 2; }
"$out/tests/suites/verdicts" <"$scratch/paths" >"$scratch/verdicts" 2>"$scratch/errors"
status=$?
if [ $status -ne 0 ]; then
    done=$(wc -l <"$scratch/verdicts")
    echo "FAIL $(sed -n "$((done + 1))p" "$scratch/paths"): exit $status"
    tail -n 20 "$scratch/errors"
    exit 1
fi
while read -r path; do
    sum=$(sha256sum <"$path")
    printf '%.20s %s\n' "$sum" "$(basename "$path" | tr ' ' '_')"
done <"$scratch/paths" | paste -d ' ' - "$scratch/verdicts" | LC_ALL=C sort -u >"$scratch/found"
if [ -n "$table" ]; then
    grep -v -e ' y_[^ ]*\.json accepted$' -e ' n_[^ ]*\.json refused$' "$scratch/found" | LC_ALL=C sort -k 2 >"$table"
    exit 0
fi
cat "$here"/*.txt | awk -v found="$scratch/found" '
    function verdict(i, v) { v = $3; for (i = 4; i <= NF; i++) v = v " " $i; return v }
    { expected[$1] = verdict() }
    END {
        while ((getline <found) > 0) {
            if (!($1 in expected) && $2 ~ /^[yn]_.*\.json$/) expected[$1] = $2 ~ /^y/ ? "accepted" : "refused"
            if (!($1 in expected)) unknown++
            else if (expected[$1] == verdict()) passed++
            else { print "FAIL " $2 ": expected " expected[$1] ", got " verdict(); failed++ }
        }
        if (unknown) print unknown " files are in no table and were read without a crash"
        printf "%d passed, %d failed\n", passed, failed
        exit failed > 0 || passed + unknown == 0
    }'
