#!/bin/sh
# The command line, case by case. usage: run.sh PATH/TO/diffc [FILTER]
#
# cases/NAME.sh runs with sh in a fresh folder that holds tiny.json (a network of a few thousand
# parameters) and images-idx3-ubyte (64 grey images of 16x16); `diffc` is on the PATH, and
# `assert TEXT COMMAND...` fails the case with TEXT when the command fails; `needs fashion-mnist` skips
# it where the data set is missing, `needs several-cpus` where there is one CPU, `needs no-sanitizer` in builds with
# one. What the case writes and its
# exit status must be NAME.stdout, NAME.stderr and NAME.exit; a missing file means nothing written,
# status 0. Where file 3 is a terminal, it shows
# which case runs. UPDATE=1 rewrites those files; read the difference before committing it.
set -u
[ $# -ge 1 ] || { echo "usage: run.sh PATH/TO/diffc [FILTER]" >&2; exit 2; }
program=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
[ -x "$program" ] || { echo "$program cannot be run" >&2; exit 2; }
filter=${2:-}
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../environment.sh"
scratch=$(mktemp -d "${TMPDIR:-/tmp}/diffc-cli.XXXXXX") || exit 2
trap 'chmod -R u+rwx "$scratch" && rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM

PATH=$scratch/bin:$PATH
REPOSITORY=$(cd "$here/../.." && pwd)
export PATH REPOSITORY
mkdir "$scratch/bin"
ln -s "$program" "$scratch/bin/diffc"
cat >"$scratch/bin/assert" <<'END'
#!/bin/sh
text=$1
shift
"$@" && exit 0
echo "FAILED: $text: $*" >&2
kill -TERM $PPID
END
# Fashion-MNIST is found where the shipped configurations name it: in Debian's folder, or in
# data/fashion-mnist below the current one.
cat >"$scratch/bin/needs" <<'END'
#!/bin/sh
case $1 in
fashion-mnist)
    [ -d /usr/share/datasets/fashion-mnist ] && exit 0
    [ -d "$REPOSITORY/data/fashion-mnist" ] && mkdir -p data && exec ln -s "$REPOSITORY/data/fashion-mnist" data/
    echo "Fashion-MNIST is not installed" >"$SKIPPED"
    ;;
no-sanitizer)
    grep -q __asan_init "$(command -v diffc)" || exit 0
    echo "a sanitizer takes memory of its own" >"$SKIPPED"
    ;;
several-cpus)
    [ "$(nproc --all)" -gt 1 ] && exit 0
    echo "the machine has one CPU" >"$SKIPPED"
    ;;
*) echo "FAILED: needs: nothing is known of $1" >&2 ;;
esac
kill -TERM $PPID
END
chmod +x "$scratch/bin/assert" "$scratch/bin/needs"
export SKIPPED="$scratch/skipped"
# IDX: magic 2051, 64 images, 16 rows, 16 columns, and bytes that are not all the same.
{
    printf '\000\000\010\003\000\000\000\100\000\000\000\020\000\000\000\020'
    yes 'a grey image, row after row' | tr 'a-z' '\000-\031\200-\207' | head -c 16384
} >"$scratch/images"

passed=0
failed=0
shown=0
same() { # EXPECTED ACTUAL: a missing EXPECTED is an empty file
    if [ -e "$1" ]; then diff -u "$1" "$2"; else diff -u /dev/null "$2"; fi
}
keep() { # EXPECTED ACTUAL: an empty ACTUAL is no file
    if [ -s "$2" ]; then cp "$2" "$1"; else rm -f "$1"; fi
}
for case in "$here"/cases/*.sh; do
    name=$(basename "$case" .sh)
    case $name in *"$filter"*) ;; *) continue ;; esac
    shown=$((shown + 1))
    if [ -t 3 ]; then
        printf '\rcli %d of %d: %-60.60s' "$shown" "$(ls "$here"/cases/*.sh | wc -l)" "$name" >&3
    fi 2>/dev/null
    folder=$scratch/$name
    mkdir "$folder" && cp "$here/tiny.json" "$folder" && cp "$scratch/images" "$folder/images-idx3-ubyte"
    # A case that waits for ever is a failure, also under the sanitizers on a busy machine.
    (cd "$folder" && timeout -k 5 900 sh -u "$case" >"../$name.stdout" 2>"../$name.stderr" </dev/null)
    status=$?
    if [ -e "$SKIPPED" ]; then
        cat "$SKIPPED" >>"$scratch/reasons"
        rm "$SKIPPED"
        continue
    fi
    if [ $status -eq 0 ]; then : >"$scratch/$name.exit"; else echo $status >"$scratch/$name.exit"; fi
    good=1
    for part in exit stderr stdout; do
        [ -z "${UPDATE:-}" ] || keep "$here/cases/$name.$part" "$scratch/$name.$part"
        same "$here/cases/$name.$part" "$scratch/$name.$part" >"$scratch/difference" && continue
        [ $good -eq 0 ] || echo "FAIL $name"
        good=0
        sed '1,2d; s/^/  /' "$scratch/difference" | head -n 40
        echo "  ($part; - expected, + found)"
    done
    if [ $good -eq 1 ]; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
done
{ [ ! -t 3 ] || printf '\r%76s\r' '' >&3; } 2>/dev/null
[ ! -e "$scratch/reasons" ] || sort "$scratch/reasons" | uniq -c | sed 's/^ *\([0-9]*\) /\1 skipped: /'
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && { [ "$passed" -gt 0 ] || [ -e "$scratch/reasons" ]; }
