# A device, a pipe or an open file stays what it is; a link stays, and its target is replaced.
node() { # NAME MINOR: a device of this folder; who is not root can replace no device, so a link will do
    mknod "$1" c 1 "$2" 2>/dev/null && [ -c "$1" ] && { [ "$1" = full ] || : 2>/dev/null >"$1"; } && return
    [ "$(id -u)" -ne 0 ] && ln -sf "/dev/$1" "$1" && return
    echo "device nodes cannot be made here" >"$SKIPPED"
    exit 0
}
node null 3
node full 7
assert train diffc train tiny.json -q --out run >/dev/null
assert image diffc sample -q -m run --count 1 --steps 1 --out image.png >/dev/null
assert pixels diffc sample -q -m run --count 1 --steps 1 --npz image.npz >/dev/null
assert table diffc nll -q -m run image.png --calls 4 --csv table.csv >/dev/null
assert steps diffc nll -q -m run image.png --steps 2 --per-step steps.csv >/dev/null
assert clean diffc denoise -q -m run image.png --sigma 25 --out clean.png >/dev/null

# Each output of each command, given the name of an output.
sample_out() { diffc sample -q -m run --count 1 --steps 1 --out "$1"; }
sample_npz() { diffc sample -q -m run --count 1 --steps 1 --npz "$1"; }
denoise_out() { diffc denoise -q -m run image.png --sigma 25 --out "$1"; }
nll_csv() { diffc nll -q -m run image.png --calls 4 --csv "$1"; }
nll_per_step() { diffc nll -q -m run image.png --steps 2 --per-step "$1"; }

named() { sed 's|: /dev/full:|: full:|'; } # a link is named by its target
try() { # COMMAND RIGHT
    $1 null >/dev/null && [ -c null ] || echo "$1: null: exit $?"
    $1 full 2>&1 >/dev/null | named
    [ -c full ] || echo "$1: full is no device any more"
    mkfifo pipe
    cat pipe >piped &
    $1 pipe >/dev/null || echo "$1: pipe: exit $?"
    wait $!
    [ -p pipe ] || echo "$1: the pipe is no pipe any more"
    cmp piped "$2"
    echo old >there
    mkdir far
    ln -s there link
    ln -s far/new dangling
    ln -s link chain
    $1 chain >/dev/null && [ -L link ] && [ -L chain ] && cmp there "$2" || echo "$1: chain"
    $1 dangling >/dev/null && [ -L dangling ] && cmp far/new "$2" || echo "$1: dangling"
    echo before >open
    $1 /proc/self/fd/7 7>>open >/dev/null || echo "$1: open file: exit $?"
    { echo before; cat "$2"; } | cmp - open
    ls | grep tmp
    rm -r pipe piped there link dangling chain far open
}
try sample_out image.png
try sample_npz image.npz
try denoise_out clean.png
try nll_csv table.csv
try nll_per_step steps.csv

echo "stdout, a pipe:"
nll_csv /dev/stdout | cut -c1-10
echo "stdout, a file:"
nll_csv /dev/stdout >file
cut -c1-10 file
echo "refused before the work:"
ln -s loop loop
ln -s none/new astray
{
    sample_out loop
    sample_npz /proc/self/fd/6 6<image.png
    sample_out astray
} 2>&1
mkdir folder
ln -s ../null folder/000000.png
diffc sample -q -m run --count 1 --steps 1 --out-dir folder && [ -c null ] && ls -l folder | sed 's/.* 0/0/;1d'
echo "one that fails does not keep the other from being written:"
diffc sample -q -m run --count 1 --steps 1 --out full --npz after.npz 2>&1 | named
cmp after.npz image.npz
#> diffc sample: full: cannot write: No space left on device
#> diffc sample: full: cannot write: No space left on device
#> diffc denoise: full: cannot write: No space left on device
#> diffc nll: full: cannot write: No space left on device
#> diffc nll: full: cannot write: No space left on device
#> stdout, a pipe:
#> image,bits
#> image.png,
#> stdout, a file:
#> image,bits
#> image.png,
#> refused before the work:
#> diffc sample: loop: its symbolic links form a loop
#> diffc sample: /proc/self/fd/6: is open for reading only
#> diffc sample: none/new: cannot create: No such file or directory
#> folder
#> 000000.png -> ../null
#> one that fails does not keep the other from being written:
#> diffc sample: full: cannot write: No space left on device
