#!/bin/sh
# Which BLAS the build is for. Prints the name by which the loader finds the library (libopenblas.so.0;
# nothing for "none"), or exits 1 with a sentence.
# usage: blas.sh openblas|blis|accelerate|mkl|netlib|none|"LINKER FLAGS"
# CC and LDFLAGS are the build's. The library is asked for by pkg-config where that knows it.
cc=${CC:-cc}
blas=${1:-openblas}
package= others=
case $blas in
none) exit 0 ;;
accelerate) echo /System/Library/Frameworks/Accelerate.framework/Accelerate; exit 0 ;;
openblas) modules=openblas flags=-lopenblas package=libopenblas-dev ;;
blis) modules=blis flags=-lblis package=libblis-dev ;;
mkl) modules=mkl-sdl flags=-lmkl_rt package=intel-mkl ;;
netlib) modules='cblas-netlib cblas blas-netlib' flags=-lblas package=libblas-dev ;;
-* | */*) modules='' flags=$blas ;;
*) modules=$blas flags=-l$blas others="; it can be openblas, blis, accelerate, mkl, netlib, none or linker flags" ;;
esac
for module in $modules; do
    found=$(pkg-config --libs "$module" 2>/dev/null) && flags=$found && break
done
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
# A program that calls cblas_sgemm and needs the library that has it.
printf 'extern void cblas_sgemm(void);\nint main(void) { cblas_sgemm(); return 0; }\n' >"$folder/probe.c"
# shellcheck disable=SC2086 # flags are several words
if ! $cc -o "$folder/probe" "$folder/probe.c" -Wl,--as-needed ${LDFLAGS:-} $flags -lm 2>"$folder/log" &&
    ! $cc -o "$folder/probe" "$folder/probe.c" ${LDFLAGS:-} $flags -lm 2>"$folder/log"; then
    echo "no CBLAS is found with '$flags' (make BLAS=$blas)${package:+; its package is $package (Debian's name)}; 'make BLAS=none' builds without$others" >&2
    exit 1
fi
if command -v otool >/dev/null 2>&1; then
    needed=$(otool -L "$folder/probe" | sed -n '2,$s/^[[:space:]]*\([^ ]*\).*/\1/p')
else
    needed=$(LC_ALL=C ${READELF:-readelf} -d "$folder/probe" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
fi
library=$(printf '%s\n' "$needed" | grep -v -E '^(.*/)?(libc|libm|ld-linux[^/]*|libSystem.*|libc\.musl[^/]*)(\.[^/]*)?$' | head -n 1)
[ -n "$library" ] || { echo "'$flags' (make BLAS=$blas) names no shared library that the program could load" >&2; exit 1; }
echo "$library"
