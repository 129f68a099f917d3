#!/bin/sh
# Installs what diffc needs and is missing, by apt, with sudo when not root. Where that cannot be done it
# says what to install. CC is the compiler (default cc), OPENMP its flags for OpenMP, MPICC the wrapper of MPI (default: without).
# usage: deps.sh [--install | --check] [PACKAGE]... [--optional PACKAGE...]
#   --install   also says when nothing is missing
#   --check     installs nothing: exit 1 and one sentence when the build cannot work
#   --optional  the packages after it are wanted, but their absence is no error
cd "$(dirname "$0")/.." || exit 2
cc=${CC:-cc}
datasets=${DATASETS:-/usr/share/datasets} # where Debian puts data sets; tests point it elsewhere
say() { echo "$*" >&2; }

# ---- what is missing ----
missing=  # needed
optional= # wanted
has() { command -v "$1" >/dev/null 2>&1; }
compiles() { printf '#include <stdio.h>\n#ifdef _OPENMP\n#include <omp.h>\n#endif\n' | $cc ${CFLAGS:-} ${OPENMP--fopenmp} -fsyntax-only -xc - >/dev/null 2>&1; }
find_missing_for_build() {
    if ! compiles; then
        case ${cc%% *} in
        clang*) missing="$missing ${cc%% *} libc6-dev libomp${cc#clang}-dev" ;;
        cc | gcc | ccache) missing="$missing gcc libc6-dev" ;;
        *musl-gcc) missing="$missing musl-tools" ;;
        *) missing="$missing ${cc%% *} libc6-dev" ;; # gcc-13 is a package's name too
        esac
    fi
    has pkg-config || missing="$missing pkg-config"
    [ "${BLAS:-openblas}" = openblas ] && blas=openblas:libopenblas-dev || blas= # .ci/blas.sh finds the others
    case ${MPICC:-} in *mpich*) mpi='libmpich-dev mpich' ;; *) mpi='libopenmpi-dev openmpi-bin' ;; esac
    [ -z "${MPICC:-}" ] || $MPICC -show >/dev/null 2>&1 || missing="$missing $mpi"
    # shellcheck disable=SC2086 # one word or none
    pkg-config --exists ${blas%:*} libcjson stb zlib 2>/dev/null && return
    for library in $blas libcjson:libcjson-dev stb:libstb-dev zlib:zlib1g-dev; do
        pkg-config --exists "${library%:*}" 2>/dev/null || missing="$missing ${library#*:}"
    done
}
has_fashion() {
    for folder in "$datasets/fashion-mnist" data/fashion-mnist; do
        ls "$folder"/train-images* "$folder"/t10k-images* >/dev/null 2>&1 && return
    done
    return 1
}
is_there() { # PACKAGE
    case $1 in
    dataset-fashion-mnist) has_fashion ;;
    clang | clang-format | zsh) has "$1" ;;
    libopenmpi-dev) pkg-config --exists ompi-c ;;
    openmpi-bin) has mpirun ;;
    libomp-dev) ls /usr/lib/llvm-*/lib/clang/*/include/omp.h >/dev/null 2>&1 ;;
    *) false ;;
    esac
}

mode=$1
case $mode in --install | --check) shift ;; *) mode= ;; esac
find_missing_for_build
into=missing
for package; do
    if [ "$package" = --optional ]; then
        into=optional
    elif ! is_there "$package"; then
        [ $into = missing ] && missing="$missing $package" || optional="$optional $package"
    fi
done
wanted="$missing$optional"
if [ "$mode" = --check ]; then
    [ -z "$missing" ] && exit 0
    [ "$cc" = cc ] && with='' || with=" CC=\"$cc\""
    with="$with${MPICC:+ MPI=1}"
    say "diffc cannot be built: these packages are missing (Debian's names):$missing; run 'make deps$with', which installs them or says how"
    exit 1
fi
if [ -z "$wanted" ]; then
    [ -z "$mode" ] || echo "nothing is missing"
    exit 0
fi

# ---- installing it ----
as_root() { if [ "$(id -u)" -eq 0 ]; then env "$@"; else sudo env "$@"; fi; }
give_up() { # WHAT_TO_DO: the end, unless all that is missing is optional
    case $wanted in
    *dataset-fashion-mnist*)
        say "Fashion-MNIST is missing. Without its package, put these four files into data/fashion-mnist:"
        say "  train-images-idx3-ubyte.gz train-labels-idx1-ubyte.gz t10k-images-idx3-ubyte.gz t10k-labels-idx1-ubyte.gz"
        say "  (they lie in the folder data/fashion of github.com/zalandoresearch/fashion-mnist)"
        ;;
    esac
    say "$1"
    [ -z "$missing" ] || exit 1
    say "going on without:$optional"
    exit 0
}
command="apt-get install -y --no-install-recommends$wanted"
has apt-get || give_up "missing packages (Debian's names; please install them with this system's package manager):$wanted"
[ "$(id -u)" -eq 0 ] || has sudo || give_up "missing packages; as root, run: $command"
log=$(mktemp) || exit 1
trap 'rm -f "$log" "$log.status"' EXIT
apt_get() { # ARGUMENTS: prints a line for each package that is ready, and the end of the log on failure
    {
        as_root DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 "$@"
        echo $? >"$log.status"
    } </dev/null 2>&1 | tee "$log" | sed -u -n 's/^Setting up \([^ :]*\).*/  \1 is installed/p' >&2
    [ "$(cat "$log.status")" = 0 ] && return
    tail -n 15 "$log" >&2
    return 1
}
say "installing:$wanted"
[ "$(id -u)" -eq 0 ] || say "(with sudo, which may ask for your password)"
apt_get update # when it fails, what is known of the packages may be enough
apt_get install -y --no-install-recommends $wanted && exit 0
# A system that has no such package is no reason to go without the others.
[ -n "$missing" ] && [ -n "$optional" ] && apt_get install -y --no-install-recommends $missing && missing=
give_up "apt-get failed; mend what it says above, or run as root: $command"
