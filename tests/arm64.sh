#!/bin/bash
# Builds diffc for arm64 with Debian's cross compiler and arm64 libraries, and runs the tests of math, ops
# and net and one case of the command line under qemu. Nothing is installed: the libraries are unpacked
# below build/arm64. Fifteen minutes. usage: arm64.sh (`make check-arm64`)
set -u
cd "$(dirname "$0")/.." || exit 2
for tool in aarch64-linux-gnu-gcc:gcc-aarch64-linux-gnu qemu-aarch64:qemu-user dpkg:dpkg; do
    command -v "${tool%:*}" >/dev/null && continue
    echo "check-arm64 needs ${tool%:*}, of Debian's package ${tool#*:}" >&2
    exit 1
done
top=$PWD/build/arm64
root=$top/root
libraries=$root/usr/lib/aarch64-linux-gnu

# ---- Debian's packages for arm64, from the mirrors that this system uses ----
packages="libopenblas-pthread-dev libopenblas0-pthread libcjson-dev libcjson1 zlib1g-dev zlib1g
    libstb-dev libstb0 libgomp1 libgfortran5"
apt_of_arm64() {
    command=$1
    shift
    "$command" -q -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o Dir::State="$top/apt/state" \
        -o Dir::Cache="$top/apt/cache" -o Dir::State::status="$top/apt/state/status" "$@"
}
if [ ! -e "$root/ready" ]; then
    mkdir -p "$top/apt/state/lists/partial" "$top/apt/cache/archives/partial" "$top/debs" "$root"
    : >"$top/apt/state/status"
    # shellcheck disable=SC2086 # a list of packages
    apt_of_arm64 apt-get update >"$top/apt.log" 2>&1 &&
        (cd "$top/debs" && apt_of_arm64 apt-get download $packages) >>"$top/apt.log" 2>&1 || {
        tail -n 5 "$top/apt.log" >&2
        echo "check-arm64: the arm64 packages cannot be fetched" >&2
        exit 1
    }
    for deb in "$top"/debs/*.deb; do dpkg -x "$deb" "$root" || exit 1; done
    touch "$root/ready"
fi

# ---- build and run ----
export PKG_CONFIG_SYSROOT_DIR=$root
export PKG_CONFIG_LIBDIR=$libraries/pkgconfig:$libraries/openblas-pthread/pkgconfig
qemu="qemu-aarch64 -L /usr/aarch64-linux-gnu -E LD_LIBRARY_PATH=$libraries:$libraries/openblas-pthread"
tests=$(ls tests/math/test_*.c tests/ops/test_*.c tests/net/test_*.c | grep -v test_fast_net) # which trains
binaries=$(for test in $tests; do echo "$top/release/${test%.c}"; done)
# shellcheck disable=SC2086 # a list of files
make --no-print-directory BUILD="$top" CC="${CC:-aarch64-linux-gnu-gcc}" \
    LDFLAGS="-Wl,-rpath-link,$libraries -Wl,-rpath-link,$libraries/openblas-pthread" all $binaries || exit 1
passed=0 failed=0
for binary in $binaries; do
    # shellcheck disable=SC2086 # a command and its options
    line=$($qemu "$binary" 2>&1 | tee "$binary.log" | tail -n 1)
    printf '%-24s %s\n' "$(basename "$binary")" "$line"
    case $line in
    *" passed, "*" failed")
        passed=$((passed + ${line%% passed*}))
        line=${line#* passed, }
        failed=$((failed + ${line%% failed*}))
        ;;
    *) failed=$((failed + 1)) ;;
    esac
    [ "${line%% *}" = 0 ] || cat "$binary.log"
done
mkdir -p "$top/qemu"
printf '#!/bin/sh\nexec %s "%s" "$@"\n' "$qemu" "$top/release/diffc" >"$top/qemu/diffc"
chmod +x "$top/qemu/diffc"
line=$(tests/cli/run.sh "$top/qemu/diffc" "sample_image_depends_on_its_seed_only" | tail -n 1)
printf '%-24s %s\n' 'command line' "$line"
passed=$((passed + ${line%% passed*}))
[ "${line#* passed, }" = "0 failed" ] || failed=$((failed + 1))
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
