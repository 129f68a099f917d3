#!/bin/bash
# The rules of the house that a machine can check. Prints each breach; exit 1 if there is any.
set -u
cd "$(dirname "$0")/.." || exit 2
bad=0
say() { printf '%s\n' "$*"; bad=1; }

# 1. Who may include whom. A header of include/diffc belongs to the room of its .c file; those
#    without one are listed here.
room_of() {
    case $1 in
    terms) echo base ;;
    op | ops) echo ops ;;
    *) local f; f=$(ls src/*/"$1".c src/*/"$1"_simd.c 2>/dev/null | head -n 1); f=${f#src/}; echo "${f%%/*}" ;;
    esac
}
allowed() { # ROOM -> rooms it may include
    case $1 in
    base) echo "base" ;;
    math) echo "base math" ;;
    ops) echo "base math ops" ;;
    net) echo "base math ops net" ;;
    diffusion) echo "base math diffusion" ;;
    data) echo "base data" ;;
    io) echo "base io net" ;;
    train) echo "base math ops net diffusion data io train" ;;
    cli) echo "base math ops net diffusion data io train cli" ;;
    esac
}
for file in src/*/*.[ch]; do
    room=${file#src/}; room=${room%%/*}
    for header in $(sed -n 's/^#include "diffc\/\(.*\)\.h"/\1/p' "$file"); do
        owner=$(room_of "$header")
        case " $(allowed "$room") " in *" $owner "*) ;; *) say "$file: includes diffc/$header.h of ${owner:-nowhere}" ;; esac
    done
    for header in $(sed -n 's/^#include "\([^\/]*\.h\)"/\1/p' "$file"); do
        [ -e "src/$room/$header" ] || say "$file: includes $header, which is not in its folder"
    done
done
only() { # PATTERN FILE: only FILE may hold PATTERN
    grep -lE "$1" src/*/*.[ch] include/diffc/*.h 2>/dev/null | grep -vxE "$2" | while read -r f; do echo "$f: $1 belongs in $2"; done
}
out=$(only '#include *[<"](cblas|cblas-openblas)' 'src/math/gemm\.c'; only '#include *[<"](cjson|cJSON)' 'src/io/json\.c'
      only '#include *[<"]stb' 'src/data/image\.c'; only '#include *[<"]zlib' 'src/(data|io|base)/[a-z_]+\.c'
      grep -nE '\b(printf|puts|putchar|exit) *\(' src/*/*.c | grep -vE '^src/(cli|base)/')
[ -z "$out" ] || say "$out"

# Where scratch is indexed by the thread, OpenMP must give as many threads as there is scratch for.
for file in $(grep -l 'parallel_thread()' src/*/*.c | grep -v src/base/parallel.c); do
    out=$(grep -nE '#pragma omp parallel' "$file" | grep -v 'num_threads(parallel_threads())')
    [ -z "$out" ] || say "$file: a parallel region without num_threads(parallel_threads()): $out"
done

# 2. Names are unique in the tree; no file over 800 lines; no fast-math; no unfinished marks.
out=$(ls src/*/*.c | xargs -n1 basename | sort | uniq -d); [ -z "$out" ] || say "file names used twice: $out"
out=$(wc -l src/*/*.[ch] include/diffc/*.h tests/*.[ch] | awk '$2 != "total" && $1 > 800 {print $2 " has " $1 " lines"}'); [ -z "$out" ] || say "$out"
out=$(grep -nE 'ffast-math|Ofast' Makefile | grep -v '# Never'); [ -z "$out" ] || say "$out"
# A path in a shell command is read as several where it holds a space: rm -rf then removes other folders.
out=$(grep -nE '\b(system|popen) *\(' src/*/*.[ch] tests/*.[ch] tests/*/*.[ch]); [ -z "$out" ] || say "$out"
out=$(grep -rnE '\b(TODO|FIXME|XXX)\b' src include tests --include='*.[ch]'); [ -z "$out" ] || say "$out"

# 3. Formatting.
if command -v clang-format >/dev/null; then
    for f in $(find src include tests -name '*.[ch]'); do
        clang-format "$f" | cmp -s - "$f" || say "$f: not formatted (clang-format -i $f)"
    done
else
    say "clang-format is not installed"
fi

# 4. Each header compiles alone, and the sources are silent with gcc and clang.
flags="-std=c11 -D_POSIX_C_SOURCE=200809L -D_DEFAULT_SOURCE -Iinclude -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes
       -Wmissing-prototypes -Wvla -Wdouble-promotion -Werror -DSIMD_LEVEL=plain -fopenmp $(pkg-config --cflags openblas libcjson stb zlib 2>/dev/null)"
.ci/deps.sh --check || bad=1
for cc in gcc clang; do
    pkg-config --exists openblas libcjson stb zlib 2>/dev/null || break # said above
    command -v $cc >/dev/null || { say "$cc is not installed"; continue; }
    for f in include/diffc/*.h; do
        printf '#include "diffc/%s"\nextern int unused;\n' "$(basename "$f")" | $cc $flags -fsyntax-only -xc - || say "$f: does not compile alone with $cc"
    done
    printf '%s\n' src/*/*.c tests/*.c | xargs -P 2 -n 8 $cc $flags -O1 -fsyntax-only || say "$cc is not silent"
done
[ $bad -eq 0 ] && echo "lint: clean"
exit $bad
