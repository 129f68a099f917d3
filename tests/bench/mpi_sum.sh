#!/bin/sh
# The sum of a network's gradients between two "hosts": two network namespaces of this machine, joined by a pair of
# virtual network cards that send at RATE (1gbit, 10gbit, ...; none: as fast as they go), MPI over TCP between them (Open MPI).
# Prints the time of the sum beside that of the wire alone, which carries all bytes once in each direction. Needs root.
# usage: mpi_sum.sh RATE [COMMAND...]: COMMAND instead of the sum, such as a training; needs `make MPI=1` before
set -eu
[ $# -ge 1 ] || { sed -n 's/^# usage: /usage: /p' "$0" >&2; exit 2; }
rate=$1
shift
cd "$(dirname "$0")/../.."
program=build/mpi/release/tests/bench/world_sum
make --no-print-directory -s MPI=1 ${CC:+CC="$CC"} "$program"
scratch=$(mktemp -d "${TMPDIR:-/tmp}/diffc-hosts.XXXXXX")
a=diffc-a-$$
b=diffc-b-$$
clean() {
    ip netns del $a 2>/dev/null || true
    ip netns del $b 2>/dev/null || true
    rm -rf "$scratch"
}
trap clean EXIT
trap 'exit 130' INT TERM

ip netns add $a
ip netns add $b
ip link add card0 netns $a type veth peer name card1 netns $b
host() { # NAMESPACE CARD ADDRESS
    ip -n "$1" addr add "$3/24" dev "$2"
    ip -n "$1" link set lo up
    ip -n "$1" link set "$2" up mtu 9000
    [ "$rate" = none ] || ip netns exec "$1" tc qdisc add dev "$2" root tbf rate "$rate" burst 1mb limit 64mb
}
host $a card0 10.99.0.1
host $b card1 10.99.0.2

# Each host has a name of its own, or Open MPI would take both for one.
cat >"$scratch/agent" <<END
#!/bin/sh
[ "\$1" = 10.99.0.1 ] && name=$a || name=$b
shift
exec ip netns exec \$name unshare --uts sh -c "hostname \$name; \$*"
END
chmod +x "$scratch/agent"
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
between() { # COMMAND...: a process of it on each host, bound to a CPU of its own
    ip netns exec $a unshare --uts sh -c "hostname $a; exec \"\$@\"" sh mpirun --host 10.99.0.1:1,10.99.0.2:1 -np 2 \
        --mca plm rsh --mca plm_rsh_agent "$scratch/agent" --mca oob_tcp_if_include 10.99.0.0/24 \
        --mca btl tcp,self --mca btl_tcp_if_include 10.99.0.0/24 --bind-to none "$@"
}
if [ $# -gt 0 ]; then
    between "$@"
    exit
fi
for network in 'bench-tiny 1112801' 'bench-small 6469889' 'cifar10-ddpm 35746307'; do
    floats=${network#* }
    printf '%s at %s: ' "${network% *}" "$rate"
    between "$program" "$floats" 9
done
