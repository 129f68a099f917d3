#!/bin/sh
# The command line, case by case. usage: run.sh PATH/TO/diffc [FILTER...]
#
# COMMAND/NAME.sh runs with sh in a fresh folder that holds tiny.json (a network of a few thousand
# parameters) and images-idx3-ubyte (64 grey images of 16x16); `diffc` is on the PATH, and
# `assert TEXT COMMAND...` fails the case with TEXT when the command fails; `needs fashion-mnist` skips
# it where the data set is missing, `needs blas` where there is none, `needs several-cpus` where there is
# one CPU, `needs no-sanitizer` in builds with one, `needs script` (bash, zsh) where there is no such program. The comments after the commands hold what the case must leave behind: `#exit N` its
# exit status (0 where there is none), `#> LINE` a line of its stdout, `#2> LINE` a line of its stderr.
# A FILTER selects cases by a part of COMMAND/NAME, several what any of them selects. UPDATE=1 rewrites
# these comments; read the difference before committing it. Where file 3 is a terminal, it shows which case runs.
set -u
[ $# -ge 1 ] || { echo "usage: run.sh PATH/TO/diffc [FILTER...]" >&2; exit 2; }
program=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
[ -x "$program" ] || { echo "$program cannot be run" >&2; exit 2; }
shift
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
blas)
    DIFFC_CPU=blas "$(command -v diffc)" --version >/dev/null 2>&1 && exit 0
    echo "diffc was built without a BLAS, or it is not installed" >"$SKIPPED"
    ;;
several-cpus)
    [ "$(nproc --all)" -gt 1 ] && exit 0
    echo "the machine has one CPU" >"$SKIPPED"
    ;;
script | bash | zsh)
    command -v "$1" >/dev/null && exit 0
    echo "$1 is not installed" >"$SKIPPED"
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
twice=$(basename -a "$here"/*/*.sh | sort | uniq -d)
[ -z "$twice" ] || { echo "two cases have one name: $twice" >&2; exit 2; }
left='^#\(exit\|>\|2>\)' # what the comments after the commands begin with
lines() { # MARK FILE: the lines of FILE as comments; one at the end says where the last newline is missing
    sed "s/^/#$1 /; s/^#$1 \$/#$1/" "$2"
    [ -z "$(tail -c 1 "$2" | tr '\0' x)" ] || printf '\n#%s\\ no newline at the end\n' "$1"
}
chosen() { # CASE FILTER...
    path=$1
    shift
    for filter in "${@:-}"; do
        case $path in *"$filter"*) return 0 ;; esac
    done
    return 1
}
for case in "$here"/*/*.sh; do
    name=$(basename "$case" .sh)
    chosen "${case#"$here/"}" "$@" || continue
    shown=$((shown + 1))
    if [ -t 3 ]; then
        printf '\rcli %d of %d: %-60.60s' "$shown" "$(ls "$here"/*/*.sh | wc -l)" "$name" >&3
    fi 2>/dev/null
    folder=$scratch/$name
    mkdir "$folder" && cp "$here/tiny.json" "$folder" && cp "$scratch/images" "$folder/images-idx3-ubyte"
    # A case that waits for ever is a failure, also under the sanitizers on a busy machine.
    (cd "$folder" && timeout -k 5 900 sh -u "$case" >"../$name.stdout" 2>"../$name.stderr" </dev/null)
    status=$?
    # At another level than the best every command says so.
    [ -z "${TEST_LEVEL:-}" ] || sed -i '/^note: DIFFC_CPU holds diffc at /d' "$scratch/$name.stdout" "$scratch/$name.stderr"
    if [ -e "$SKIPPED" ]; then
        cat "$SKIPPED" >>"$scratch/reasons"
        rm "$SKIPPED"
        continue
    fi
    {
        [ $status -eq 0 ] || echo "#exit $status"
        lines '>' "$scratch/$name.stdout"
        lines '2>' "$scratch/$name.stderr"
    } >"$scratch/found"
    if [ -n "${UPDATE:-}" ]; then
        { grep -av "$left" "$case"; cat "$scratch/found"; } >"$scratch/updated"
        cmp -s "$scratch/updated" "$case" || cp "$scratch/updated" "$case"
    fi
    if grep -a "$left" "$case" | diff -u - "$scratch/found" >"$scratch/difference"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAIL $name (- expected, + found)"
        sed '1,2d; s/^/  /' "$scratch/difference" | head -n 80
    fi
done
{ [ ! -t 3 ] || printf '\r%76s\r' '' >&3; } 2>/dev/null
[ ! -e "$scratch/reasons" ] || sort "$scratch/reasons" | uniq -c | sed 's/^ *\([0-9]*\) /\1 skipped: /'
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && { [ "$passed" -gt 0 ] || [ -e "$scratch/reasons" ]; }
