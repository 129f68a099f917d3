#!/bin/sh
# Installs what diffc needs when it is missing: apt with sudo when not root; elsewhere it prints the
# names. usage: deps.sh [--install] [EXTRA_PACKAGE]...
force=
[ "$1" = --install ] && { force=1; shift; }
missing=
command -v cc >/dev/null 2>&1 || missing="$missing build-essential"
command -v pkg-config >/dev/null 2>&1 || missing="$missing pkg-config"
has() { command -v pkg-config >/dev/null 2>&1 && pkg-config --exists "$1" 2>/dev/null; }
has openblas || missing="$missing libopenblas-dev"
has libcjson || missing="$missing libcjson-dev"
has stb || missing="$missing libstb-dev"
has zlib || missing="$missing zlib1g-dev"
for package; do
    case $package in
    dataset-fashion-mnist) [ -e /usr/share/datasets/fashion-mnist ] || missing="$missing $package" ;;
    clang) command -v clang >/dev/null 2>&1 || missing="$missing $package" ;;
    clang-format) command -v clang-format >/dev/null 2>&1 || missing="$missing $package" ;;
    libomp-dev) ls /usr/lib/llvm-*/lib/clang/*/include/omp.h >/dev/null 2>&1 || missing="$missing $package" ;;
    *) missing="$missing $package" ;;
    esac
done
[ -z "$missing" ] && { [ -z "$force" ] || echo "nothing is missing"; exit 0; }
if ! command -v apt-get >/dev/null 2>&1; then
    echo "diffc needs these packages (Debian's names); please install them:$missing" >&2
    exit 1
fi
sudo=
[ "$(id -u)" -eq 0 ] || sudo=sudo
echo "installing:$missing" >&2
$sudo apt-get update -qq && DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq $missing >&2
