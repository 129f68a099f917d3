#!/bin/bash
# Tries diffc as a newcomer would: makes a fresh Debian system, adds an ordinary user who may use sudo,
# gives him a clean clone of this tree, and runs as him what README.md shows: make demo, make test.
# Run by hand, as root; needs debootstrap, git and 3 GB. Mirror, proxy and certificates are those of this
# machine's apt. usage: fresh.sh [--keep] [--in FOLDER] [12|13]...  (default: both)
#
# The systems lie in a folder of their own under ${TMPDIR:-/var/tmp} or in FOLDER, and are removed at the
# end; --keep keeps them, with the logs. DEMO_MINUTES=0.2 shortens the training of the demo, MIRROR names
# another mirror.
set -eu
usage() { sed -n 's/.*\(usage: fresh\)/\1/p' "$0" | head -n 1 >&2; exit 2; }
keep= parent=
versions=()
while [ $# -gt 0 ]; do
    case $1 in
    --keep) keep=1 ;;
    --in) [ $# -ge 2 ] || usage; parent=$2; shift ;;
    12 | 13) versions+=("$1") ;;
    *) usage ;;
    esac
    shift
done
[ ${#versions[@]} -gt 0 ] || versions=(12 13)
fail() { echo "fresh.sh: $*" >&2; exit 2; }
[ "$(id -u)" -eq 0 ] || fail "must be run as root (debootstrap makes device nodes and changes root)"
for tool in debootstrap git unshare; do
    command -v $tool >/dev/null || fail "$tool is missing; install it: apt-get install debootstrap git util-linux"
done
# Mounts are made in a mount namespace of our own: they end with this process, however it ends.
if [ -z "${FRESH_NAMESPACE:-}" ]; then
    exec env FRESH_NAMESPACE=1 unshare --mount --propagation private "$0" ${keep:+--keep} ${parent:+--in "$parent"} "${versions[@]}"
fi

tree=$(cd "$(dirname "$0")/.." && pwd)
parent=${parent:-${TMPDIR:-/var/tmp}}
folder=$(cd "$parent" && mktemp -d "$PWD/diffc-fresh.XXXXXX")
case $folder/ in "$tree"/*) rmdir "$folder"; fail "$folder lies inside the tree; give --in another folder" ;; esac
# /proc and the like: mounted from inside to outside, unmounted the other way round.
mounted=()
attach() { # TYPE OPTIONS TARGET
    mkdir -p "$3" && mount -t "$1" -o "$2" "$1" "$3" || return 1
    mounted=("$3" "${mounted[@]}")
}
detach() {
    local target
    for target in "${mounted[@]}"; do umount "$target" 2>/dev/null || umount -l "$target"; done
    mounted=()
}
finish() {
    local status=$?
    detach || { echo "kept $folder: something is still mounted in it" >&2; exit 1; }
    if [ -n "$keep" ]; then echo "kept $folder"; else rm -rf --one-file-system "$folder"; fi
    exit $status
}
trap finish EXIT
trap 'exit 130' INT TERM HUP

mirror=$(apt-get indextargets --format '$(LABEL) $(RELEASE) $(REPO_URI)' 'Created-By: Packages' |
    awk '$1 == "Debian" && $2 !~ /-/ { print $3; exit }')
mirror=${MIRROR:-$mirror}
[ -n "$mirror" ] || fail "apt knows no Debian mirror here; run apt-get update, or set MIRROR to its address"
apt-config dump | grep -E '^Acquire::(.*[Pp]roxy.*|https?::.*|Retries|Check-(Valid-Until|Date)) "' >"$folder/apt.conf" || true
for scheme in http https; do
    proxy=$(sed -n "s/^Acquire::$scheme::proxy \"\(.*\)\";/\1/Ip" "$folder/apt.conf" | head -n 1)
    case $proxy in '' | DIRECT) ;; *) export "${scheme}_proxy=$proxy" ;; esac
done

# The certificates of this machine, and those that apt's configuration names, under the same paths.
copy_certificates() { # ROOT
    local file
    for file in /etc/ssl/certs/ca-certificates.crt $(sed -n 's/^Acquire::.*::\(CaInfo\|SslCert\|SslKey\) "\(.*\)";/\2/Ip' "$folder/apt.conf"); do
        [ ! -f "$file" ] || install -D -m 644 "$file" "$1$file"
    done
}

make_system() { # VERSION ROOT
    local name=bookworm
    [ "$1" -eq 12 ] || name=trixie
    debootstrap --include=sudo,ca-certificates "$name" "$2" "$mirror" &&
        cp "$folder/apt.conf" "$2/etc/apt/apt.conf.d/80from-host" &&
        copy_certificates "$2" &&
        cp -L /etc/resolv.conf /etc/hosts "$2/etc/" &&
        attach proc nosuid,nodev,noexec "$2/proc" &&
        attach sysfs ro,nosuid,nodev,noexec "$2/sys" &&
        attach devpts newinstance,ptmxmode=0666,gid=5,mode=620 "$2/dev/pts" &&
        attach tmpfs nosuid,nodev,mode=1777 "$2/dev/shm" &&
        chroot "$2" useradd --create-home --shell /bin/bash newcomer &&
        echo 'newcomer ALL=(ALL) NOPASSWD: ALL' >"$2/etc/sudoers.d/newcomer" &&
        git clone -q "$tree" "$2/home/newcomer/diffc" &&
        chroot "$2" chown -R newcomer: /home/newcomer
}

as_newcomer() { # ROOT COMMAND
    env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb chroot "$1" su - newcomer -c "$2" </dev/null
}

bad=0
step() { # VERSION NAME COMMAND...: its output goes into a log, of which the last lines are shown
    local log=$folder/$1-$2.log status=0 start=$SECONDS lines=5
    "${@:3}" >"$log" 2>&1 || status=$?
    [ $status -eq 0 ] || { bad=1; lines=60; }
    echo "== Debian $1, ${2//-/ }: exit $status after $((SECONDS - start)) s"
    tail -n $lines "$log"
    return $status
}

echo "$(git -C "$tree" log -1 --format='commit %h, %s') on $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1), $(nproc) CPUs"
for version in "${versions[@]}"; do
    root=$folder/debian-$version
    step "$version" system make_system "$version" "$root" >"$folder/shown" || { cat "$folder/shown"; detach; continue; }
    # README.md asks for git and make.
    if step "$version" git-and-make as_newcomer "$root" "sudo apt-get install -y -q git make" >"$folder/shown"; then
        step "$version" make-demo as_newcomer "$root" "cd diffc && ${DEMO_MINUTES:+DEMO_MINUTES=$DEMO_MINUTES }make demo" || true
        step "$version" make-test as_newcomer "$root" "cd diffc && make test" || true
        as_newcomer "$root" "cc --version" | sed -n '1s/^/   /p' || true
    else
        cat "$folder/shown"
    fi
    detach
    [ -n "$keep" ] || rm -rf --one-file-system "$root"
done
exit $bad
