#!/bin/sh
# The library as other programs find it: installed into a folder, found by pkg-config, called from C and
# from Python, and compared with the program diffc. usage: installed.sh OUT
set -u
[ $# -eq 1 ] || { echo "usage: installed.sh OUT" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../environment.sh"
tree=$(cd "$here/../.." && pwd)
build=$(cd "$1" && pwd)
scratch=$(mktemp -d "${TMPDIR:-/tmp}/diffc-api.XXXXXX") || exit 2
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM
root=$scratch/root
passed=0
failed=0
skipped=0
check() { # NAME COMMAND...: must succeed and print nothing
    name=$1
    shift
    if "$@" >"$scratch/out" 2>&1 && [ ! -s "$scratch/out" ]; then
        passed=$((passed + 1))
    else
        echo "FAIL $name (exit or output)"
        sed 's/^/  /' "$scratch/out" | tail -n 20
        failed=$((failed + 1))
    fi
}
make_() { # silent unless it fails
    make -s -C "$tree" MODE="$(basename "$build")" BUILD="$(dirname "$build")" PREFIX="$root" "$@" >"$scratch/made" 2>&1 || cat "$scratch/made"
}
installed() { # nothing but these
    find "$root" ! -type d | sed "s|$root/||" | sort >"$scratch/found"
    printf '%s\n' bin/diffc include/diffc.h lib/libdiffc.a lib/libdiffc.so lib/libdiffc.so.0 lib/pkgconfig/diffc.pc share/bash-completion/completions/diffc share/man/man1/diffc.1 share/zsh/site-functions/_diffc | diff - "$scratch/found"
}
exports() { # the functions of the header, of the shared library or (-static) the other
    sed -n 's/^DIFFC_PUBLIC.*[ *]\(diffc_[a-z_]*\)(.*/\1/p' "$root/include/diffc.h" | sort >"$scratch/promised"
    nm --defined-only --extern-only $1 | sed -n 's/^[0-9a-f]* [A-Z] //p' | sort | diff "$scratch/promised" -
}
header() { printf '#include <diffc.h>\nDiffcModel *model;\n' | "$@" -I"$root/include" -Wall -Wextra -Wpedantic -Werror -fsyntax-only -; }
compiles() { # OUTPUT LINKER-FLAGS FLAGS-OF-PKG-CONFIG
    # shellcheck disable=SC2046,SC2086 # lists of words
    ${CC:-cc} -std=c99 -Wall -Wextra -Wpedantic -Werror -o "$1" "$here/program.c" $2 $(pkg-config --cflags --libs $3 diffc)
}
same_images() { # COMMAND...: writes the images of `diffc sample`, wherever it runs
    rm -f images.raw
    "$@" && test "$(wc -c <images.raw)" -eq 768 && cmp -i 0:167 -n 768 images.raw samples.npz
}
same_bits() { "$root/bin/diffc" nll -m run --json -q images/000007.png | sed 's/.*"bits_per_dim":\([0-9.]*\).*/\1/' | awk '{ printf "%.6f\n", $1 }' | diff - bits; }

cd "$scratch" || exit 2
{
    printf '\000\000\010\003\000\000\000\100\000\000\000\020\000\000\000\020'
    yes 'a grey image, row after row' | tr 'a-z' '\000-\031\200-\207' | head -c 16384
} >images-idx3-ubyte
cat >config.json <<'END'
{
  "data": { "path": "images-idx3-ubyte", "validation": 8 },
  "model": { "channels": 8, "multipliers": [1, 2], "blocks": 1, "attention": [8], "groups": 4 },
  "method": { "steps": 20 }, "train": { "steps": 4, "batch": 4 }, "sample": { "sampler": "ddim", "steps": 4 }
}
END
PKG_CONFIG_PATH=$root/lib/pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}
export PKG_CONFIG_PATH

check make_install make_ install
check installed_files installed
check shared_library_exports_the_header exports "-D $root/lib/libdiffc.so.0"
check static_library_exports_the_header exports "$root/lib/libdiffc.a"
for cc in gcc clang; do
    command -v $cc >/dev/null || continue
    check "header_alone_${cc}_c99" header $cc -xc -std=c99
    # gcc without g++ has no C++ compiler.
    printf '' | $cc -xc++ -fsyntax-only - 2>/dev/null || continue
    check "header_alone_${cc}_cxx" header $cc -xc++ -std=c++98
done
"$root/bin/diffc" train config.json --out run -q >paths &&
    "$root/bin/diffc" sample -m run --seed 7 --steps 5 --eta 0.5 --count 3 --npz samples.npz --out-dir images -q >paths || exit 1
check c_program compiles "$scratch/program" "-Wl,-rpath,$root/lib" ""
check c_program_and_diffc_sample_make_the_same_images same_images ./program
check c_program_and_diffc_nll_agree same_bits
mkdir archive && cp "$root/lib/libdiffc.a" archive
check static_program compiles "$scratch/static" "-L$scratch/archive" --static
check static_program_and_diffc_sample_make_the_same_images same_images ./static
if command -v python3 >/dev/null; then
    check python_and_diffc_sample_make_the_same_images same_images python3 "$here/script.py" "$root/lib/libdiffc.so.0"
else
    skipped=1
fi
check make_uninstall make_ uninstall
check nothing_is_left sh -c "find '$root' ! -type d"
[ $skipped -eq 0 ] || echo "1 skipped: there is no python3"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
