#!/bin/sh
# Every command that the README.md of the repository and of its folders and diffc's help show is run as a newcomer types it: in
# a copy of what a clone holds, after a short demo. Long ones are shortened on the way by the tables below;
# what cannot run here is on a list with its reason; a command on no list is a failure.
# usage: readme.sh PATH/TO/diffc [FILTER]
set -u
[ $# -ge 1 ] || { echo "usage: readme.sh PATH/TO/diffc [FILTER]" >&2; exit 2; }
program=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
filter=${2:-}
here=$(cd "$(dirname "$0")" && pwd)
. "$here/environment.sh"
scratch=$(mktemp -d "${TMPDIR:-/tmp}/diffc-readme.XXXXXX") || exit 2
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM
clone=$scratch/clone
fashion=/usr/share/datasets/fashion-mnist

# ---- what is shortened, and how ----

# Values of options: COMMAND OPTION VALUE-INSTEAD
values='train --steps 3
sample --steps 10
sample --count 4
sample --per-class 1
nll --count 4
denoise --count 4
denoise --level 10
restore --steps 10
eval --steps 2
eval --count 4
bench --batch 2'
# Options that are added, by command and arguments, where they are not given.
added() { # COMMAND ARGUMENTS
    small='--steps 3 --set data.limit=64 --set data.validation=16 --set train.batch=4 --set train.validate=4 --set sample.count=1'
    case $* in
    "train "*--resume*) echo "--steps 4" ;;
    "train "*fashion-mnist*) echo "$small --set sample.steps=10" ;;
    "train "*fashion-eddpm*) echo "$small --set method.steps=20 --set method.keep=5" ;;
    "train "*fashion-s*) echo "$small" ;;
    "train "*fashion-*) echo "$small --set method.steps=20" ;;
    "train "*) echo "--steps 3" ;;
    "sample "*--per-class*) echo "--steps 2" ;;
    "sample "*) echo "--count 4" ;;
    "nll "*--data* | "denoise "*--data*) echo "--count 4" ;;
    "nll "*"--spacing dp"*) echo "--fit-count 2" ;;
    "restore "*) echo "--count 1 --steps 2" ;;
    "eval images "*) echo "--count 4" ;;
    "eval "*) echo "--count 4 --steps 2" ;;
    "bench "*cifar10*) echo "--seconds 0 --repeat 1 --batch 2 --set model.channels=32 --set model.groups=8" ;;
    "bench "*) echo "--seconds 0 --repeat 1 --batch 2" ;;
    esac
}
# Words that stand for something of the reader's.
filled_in() { # COMMAND
    echo "$1" | sed "s@train  *\(pictures/\|FOLDER\|DATA\)@train $pictures@; s|CONFIG\b|configs/bench-tiny.json|; s|RUN\b|runs/demo|; s|--data PATH|--data $fashion|; s|data.path=FOLDER|data.path=data|
                     s|--level t\b|--level 10|; s|--tolerance X\b|--tolerance 1e-3|; s|--threads N\b|--threads 1|; s|--seed N\b|--seed 1|; s|step-N\b|step-00000003|"
}

# ---- what is not run, and why ----

reason() { # COMMAND
    case $1 in
    "git clone "* | "sudo apt-get install "*) echo "needs the network" ;;
    "make demo") echo "run first, in short, as .ci/demo.sh" ;;
    "make "[A-Z]*=*) echo "is another build" ;;
    "make test"* | tests/cli/run.sh* | "UPDATE=1 tests/cli/run.sh "*) echo "runs tests" ;;
    "make check"* | "make fuzz" | "make faults" | "make lint" | "make bench" | "make bench-conv") echo "takes many minutes" ;;
    git | make) echo "is the name of a program" ;;
    tests/api/*) echo "tests/api/installed.sh runs it" ;;
    tests/suites) echo "is the name of a folder" ;;
    "sudo make install" | "make install PREFIX="*) echo "tests/build.sh runs it" ;;
    tests/fresh.sh) echo "installs Debian systems" ;;
    tests/golden/compare_diffusers.py*) echo "needs Python's diffusers" ;;
    tests/bench/fd_fashion.py* | tests/bench/inception_speed.py*) echo "needs PyTorch" ;;
    tests/bench/*.sh* | *" tests/bench/"*.sh*) echo "measures for minutes to hours" ;;
    esac
}
# The script or the target is at least there.
exists() { # COMMAND
    case $1 in
    "sudo apt-get "* | "make "[A-Z]*=*) ;;
    *tests/*) test -e "$here/../$(echo "$1" | grep -o 'tests/[^ ]*' | head -n 1)" ;;
    "sudo make "* | "make "*) grep -q "^$(echo "$1" | sed 's/^sudo //' | cut -d ' ' -f 2):" "$here/../Makefile" ;;
    esac
}

# ---- a clone with a short demo ----

mkdir -p "$clone/build" "$clone/data" "$scratch/bin" || exit 2
cp -r "$here/../README.md" "$here/../Makefile" "$here/../.ci" "$here/../configs" "$clone" || exit 2
cp "$here"/../data/*.png "$clone/data" || exit 2
idx() { # N: an IDX file of 256 times so many grey images of 28x28, each another one
    printf '\000\000\010\003\000\000\00'"$1"'\000\000\000\000\034\000\000\000\034'
    yes 'grey images, row after row' | tr 'a-z' '\000-\031\200-\207' | head -c $((256 * $1 * 784))
}
labels() { # N: of so many images, the classes 0 to 9 in turn
    printf '\000\000\010\001\000\000\00'"$1"'\000'
    yes abcdefghij | tr -d '\n' | tr 'a-j' '\000-\011' | head -c $((256 * $1))
}
if [ -d "$here/../data/fashion-mnist" ]; then
    ln -s "$(cd "$here/../data/fashion-mnist" && pwd)" "$clone/data"
elif [ ! -d "$fashion" ]; then # a small substitute
    mkdir "$clone/data/fashion-mnist"
    idx 5 >"$clone/data/fashion-mnist/train-images-idx3-ubyte"
    idx 1 >"$clone/data/fashion-mnist/t10k-images-idx3-ubyte"
    labels 5 >"$clone/data/fashion-mnist/train-labels-idx1-ubyte"
    labels 1 >"$clone/data/fashion-mnist/t10k-labels-idx1-ubyte"
fi

pictures=$fashion
[ ! -d "$clone/data/fashion-mnist" ] || pictures=data/fashion-mnist

# The diffc of the PATH shortens what it is given. --help and the like it passes on.
{
    echo '#!/bin/sh'
    echo "program='$program'"
    echo "values='$values'"
    sed -n '/^added() {/,/^}/p' "$here/readme.sh"
    cat <<'END'
command=${1:-}
[ $# -eq 0 ] || shift
more=$(added "$command" "$*")
n=$#
while [ "$n" -gt 0 ]; do
    word=$1
    shift
    n=$((n - 1))
    instead=$(echo "$values" | awk -v word="$word" -v command="$command" '$1 == command && $2 == word { print $3 }')
    case $word in
    --help | -h) more= ;;
    --steps | --count | --batch) more=$(echo "$more" | sed "s/$word [0-9]*//") ;;
    esac
    set -- "$@" "$word"
    if [ -n "$instead" ] && [ "$n" -gt 0 ]; then
        shift
        n=$((n - 1))
        set -- "$@" "$instead"
    fi
done
exec "$program" ${command:+"$command"} "$@" $more
END
} >"$scratch/bin/diffc"
chmod +x "$scratch/bin/diffc"
ln -s "$scratch/bin/diffc" "$clone/build/diffc"
PATH=$scratch/bin:$PATH
export PATH

# ---- the commands ----

starts='\(diffc\b\|\./build/diffc\|make\|sudo\|git\|tests/[a-z]\|\.ci/\|[A-Z][A-Z]*=\)'
shown() { # FILE: those of a README, in order; a mere name of a command (`diffc nll`) is asked for its help
    awk '/^    / { print; next }
         { while (match($0, /`[^`]*`/)) { print "`" substr($0, RSTART + 1, RLENGTH - 2); $0 = substr($0, RSTART + RLENGTH) } }' "$1" |
        sed -n "s,^    *\($starts.*\),\1,p; s,^\`\($starts.*\),\`\1,p" |
        sed 's/  *#.*//; s/^`diffc$/diffc --version/; s,^`\./build/diffc$,./build/diffc --version,
             s/^`\(diffc [a-z]*\)$/\1 --help/; s/^`//; /^[^ ]*\.[ch]$/d'
}
shown_by_help() {
    "$program" --help
    for each in $("$program" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p'); do
        [ "$each" = help ] || "$program" "$each" --help
    done
}
shown "$here/../README.md" >"$scratch/readme" && test -s "$scratch/readme" || exit 2
{
    cat "$scratch/readme"
    for each in configs src data tests tests/bench; do [ ! -e "$here/../$each/README.md" ] || shown "$here/../$each/README.md"; done
    shown_by_help | sed -n 's/^  \(diffc .*\)/\1/p'
} | awk '!seen[$0]++' >"$scratch/commands"

passed=0
failed=0
cd "$clone" || exit 2
check() { # COMMAND RUN...
    said=$1
    shift
    if "$@" >"$scratch/out" 2>&1 </dev/null; then
        passed=$((passed + 1))
        return
    fi
    echo "FAIL $said"
    sed 's/^/  /' "$scratch/out" | tail -n 10
    failed=$((failed + 1))
}
no_list() { echo "is neither run nor on the list of what is not (tests/readme.sh)"; false; }

check "make demo" env PROGRAM="$scratch/bin/diffc" .ci/demo.sh
while IFS= read -r line; do
    case $line in *"$filter"*) ;; *) continue ;; esac
    case $line in
    diffc* | ./build/diffc*) check "$line" sh -c "$(filled_in "$line")" ;;
    *) if [ -z "$(reason "$line")" ]; then check "$line" no_list; else check "$line" exists "$line"; fi ;;
    esac
done <"$scratch/commands"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
