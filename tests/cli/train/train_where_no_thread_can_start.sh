# Where the system starts no thread (ulimit -u), one does the work. Root has no such limit, so it becomes nobody.
needs no-sanitizer
room=$(mktemp -d) && chmod 777 "$room"
cp "$(command -v diffc)" tiny.json images-idx3-ubyte "$room"
cd "$room" || exit 1
limited() {
    if [ "$(id -u)" -ne 0 ]; then
        prlimit --nproc=1 "$@"
    else
        setpriv --reuid 65534 --regid 65534 --clear-groups prlimit --nproc=1 "$@"
    fi
}
limited ./diffc train tiny.json --out run --threads 3 2>&1 | grep threads
unset OMP_WAIT_POLICY
limited ./diffc sample -q -m run --count 1 --npz x.npz --threads 3
echo $?
cd / && rm -rf "$room"
#> note: threads: 1 instead of 3: the system starts no more (ulimit -u, the pids limit of a control group, or memory for their stacks)
#>   threads      1 instead of 3: the system starts no more (ulimit -u, the pids limit of a control group, or memory for their stacks)
#> x.npz
#> 0
