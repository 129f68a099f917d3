#!/bin/bash
# The rules of the house that a machine can check. Prints each breach; exit 1 if there is any.
set -u
cd "$(dirname "$0")/.." || exit 2
bad=0
say() { printf '%s\n' "$*"; bad=1; }

# 1. Who may include whom. Every header is included with its room, "diffusion/sampler.h".
allowed() { # ROOM -> rooms it may include
    case $1 in
    base) echo "base" ;;
    math) echo "base math" ;;
    ops) echo "base math ops" ;;
    net) echo "base math ops net" ;;
    diffusion) echo "base math diffusion" ;;
    methods) echo "base math ops net diffusion methods" ;;
    data) echo "base data" ;;
    io) echo "base io" ;;
    model) echo "base math ops net diffusion methods io model" ;;
    train) echo "base math ops net diffusion methods data io model train" ;;
    api) echo "base math ops net diffusion methods data io model train api" ;;
    cli) echo "base math ops net diffusion methods data io model train api cli" ;;
    esac
}
out=$(grep -n '^#include "' src/*/*.[ch] src/*/*/*.[ch] | sed 's/^\([^:]*\):[0-9]*:#include "\(.*\)".*/\1 \2/' | while read -r file header; do
    room=${file#src/}; room=${room%%/*}
    # What a file says of another room's settings is in that room's *_config.h, which io reads and writes.
    case $room:$header in io:*_config.h) continue ;; esac
    # What trains may see train/; sampling, scoring and denoising may not.
    case $file:$header in src/cli/cmd_train.c:train/*|src/cli/cmd_bench.c:train/*|src/cli/training_summary.[ch]:train/*|src/cli/train_on_data.[ch]:train/*|src/cli/run_name.c:train/*|src/cli/train_narration.[ch]:train/*) continue ;;
    src/cli/*:train/*) echo "$file: must not include $header"; continue ;; esac
    case " $(allowed "$room") " in *" ${header%%/*} "*) [ -e "src/$header" ] && continue ;; esac
    echo "$file: must not include $header"
done)
[ -z "$out" ] || say "$out"
only() { # PATTERN FILE: only FILE may hold PATTERN
    grep -lE "$1" src/*/*.[ch] src/*/*/*.[ch] include/*.h 2>/dev/null | grep -vxE "$2" | while read -r f; do echo "$f: $1 belongs in $2"; done
}
out=$(only 'cblas|dlopen' 'src/math/product_blas\.[ch]'; only '#include *[<"](cjson|cJSON)' 'src/io/json\.c'
      only '#include *[<"]stb' 'src/data/image\.c'; only '#include *[<"]zlib' 'src/(data|io|base)/[a-z_]+\.c'
      grep -nE '\b(printf|puts|putchar|exit) *\(' src/*/*.c src/*/*/*.c | grep -vE '^src/(cli|base)/')
[ -z "$out" ] || say "$out"

# Where scratch is indexed by the thread, OpenMP must give as many threads as there is scratch for.
for file in $(grep -l 'parallel_thread()' src/*/*.c | grep -v src/base/parallel.c); do
    out=$(grep -nE '#pragma omp parallel' "$file" | grep -v 'num_threads(parallel_threads())')
    [ -z "$out" ] || say "$file: a parallel region without num_threads(parallel_threads()): $out"
done

# clang makes a symbol of each critical section, which a shared library would show (base/first_failure.h).
out=$(grep -nE '#pragma omp critical' src/*/*.c src/*/*/*.c); [ -z "$out" ] || say "$out"

# 2. Names are unique in the tree; no file over 400 lines; no fast-math; no unfinished marks.
out=$(ls src/*/*.c src/*/*/*.c tests/*/test_*.c | xargs -n1 basename | sort | uniq -d); [ -z "$out" ] || say "file names used twice: $out"
out=$(wc -l src/*/*.[ch] src/*/*/*.[ch] tests/*.[ch] tests/*/*.[ch] | awk '$2 != "total" && $1 > 400 {print $2 " has " $1 " lines"}'); [ -z "$out" ] || say "$out"
out=$(grep -nE 'ffast-math|Ofast' Makefile | grep -v '# Never'); [ -z "$out" ] || say "$out"
# A path in a shell command is read as several where it holds a space: rm -rf then removes other folders.
out=$(grep -nE '\b(system|popen) *\(' src/*/*.[ch] src/*/*/*.[ch] tests/*.[ch] tests/*/*.[ch]); [ -z "$out" ] || say "$out"
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
flags="-std=c11 -D_POSIX_C_SOURCE=200809L -D_DEFAULT_SOURCE -Isrc -Itests -Iinclude -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes
       -Wmissing-prototypes -Wvla -Wdouble-promotion -Werror -DSIMD_LEVEL=plain -fopenmp $(pkg-config --cflags libcjson stb zlib 2>/dev/null)"
.ci/deps.sh --check || bad=1
for cc in gcc clang; do
    pkg-config --exists libcjson stb zlib 2>/dev/null || break # said above
    command -v $cc >/dev/null || { say "$cc is not installed"; continue; }
    for f in src/*/*.h src/*/*/*.h; do
        printf '#include "%s"\nextern int unused;\n' "${f#src/}" | $cc $flags -fsyntax-only -xc - || say "$f: does not compile alone with $cc"
    done
    printf '%s\n' src/*/*.c src/*/*/*.c tests/*.c tests/*/*.c | xargs -P 2 -n 8 $cc $flags -O1 -fsyntax-only || say "$cc is not silent"
done
[ $bad -eq 0 ] && echo "lint: clean"
exit $bad
