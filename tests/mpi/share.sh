#!/bin/sh
# Work that several processes share (src/base/shared_work.h): whatever a command makes and prints is, to the byte, what
# it makes without MPI, with 1 to 4 processes, also where there are fewer images than processes; a process that fails,
# a process that is interrupted and Ctrl-C end all.
# usage: share.sh DIFFC_BUILT_WITH_MPI DIFFC_BUILT_WITHOUT WRITE_INCEPTION [FILTER]     the last: tests/mpi/write_inception.c, built
set -u
[ $# -ge 3 ] || { sed -n 's/^# usage: /usage: /p' "$0" >&2; exit 2; }
absolute() { echo "$(cd "$(dirname "$1")" && pwd)/$(basename "$1")"; }
mpi=$(absolute "$1")
plain=$(absolute "$2")
write_inception=$(absolute "$3")
filter=${4:-}
here=$(cd "$(dirname "$0")" && pwd)
repository=$(cd "$here/../.." && pwd)
. "$here/../environment.sh"
. "$here/launcher.sh"
scratch=$(mktemp -d "${TMPDIR:-/tmp}/diffc-share.XXXXXX") || exit 2
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM
cd "$scratch" || exit 2
passed=0
failed=0
judge() { # NAME DETAILS: by the status of the last command
    if [ $? = 0 ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED: $1"
        [ ! -s "$2" ] || head -n 20 "$2" | cut -c 1-300
    fi
}
wanted() { case $1 in *$filter*) return 0 ;; *) return 1 ;; esac; }
world() { # PROCESSES PROGRAM...
    processes=$1
    shift
    # shellcheck disable=SC2086 # several options or none
    timeout 300 $mpirun $options -np "$processes" "$@"
}

# ---- what the cases work on ----

{
    printf '\000\000\010\003\000\000\000\100\000\000\000\020\000\000\000\020'
    yes 'a grey image, row after row' | tr 'a-z' '\000-\031\200-\207' | head -c 16384
} >images-idx3-ubyte
# Labels 0 to 3 in turn.
{
    printf '\000\000\010\001\000\000\000\100'
    for i in $(seq 16); do printf '\000\001\002\003'; done
} >images-idx1-ubyte
mkdir labelled
cp images-idx3-ubyte labelled/train-images-idx3-ubyte
cp images-idx1-ubyte labelled/train-labels-idx1-ubyte
cp "$here/../cli/tiny.json" .
train() { "$plain" train -q --threads 1 "$@" >/dev/null || { echo "training failed: $*" >&2; exit 2; }; }
train tiny.json --out run
train tiny.json --out classes --set data.path=labelled --set model.class_conditional=true
train tiny.json --out cdm --set method.type=cdm
train tiny.json --out slow --set method.steps=1000
train "$repository/configs/toy-ring.json" --steps 20 --out toy
"$plain" sample -q -m run --steps 2 --count 9 --out-dir files --npz files.npz >/dev/null || exit 2
echo text >files/000003.png
"$write_inception" inception.safetensors || exit 2

# ---- the same with any number of processes ----

# What a command writes below made/ and says, without what depends on time and machine.
same() { # NAME ARGUMENTS...: with 0, the program without MPI, as with 1 to 4 processes
    name=$1
    shift
    wanted "$name" || return
    for processes in 0 1 2 3 4; do
        rm -rf made
        mkdir made
        if [ $processes = 0 ]; then
            "$plain" "$@" >made/stdout 2>made/stderr
        else
            world $processes "$mpi" "$@" >made/stdout 2>made/stderr
        fi
        echo $? >made/status
        sed -i 's/,"\(seconds\|batch\|threads\|processes\)":[0-9.e-]*//g' made/stdout
        # A launcher has a word of its own for a status that is not 0.
        grep '^diffc' made/stderr >said
        mv said made/stderr
        rm -rf made.$processes
        mv made made.$processes
        diff -r made.0 made.$processes >difference 2>&1
        judge "$name: $processes processes do not make what the program without MPI makes: $*" difference
    done
    cat made.0/stdout made.0/stderr | grep -q .
    judge "$name: nothing was printed" made.0/stderr
}

sample="sample -q --threads 1 --seed 5"
same sample $sample -m run --count 9 --out made/grid.png --npz made/x.npz --out-dir made/images --json
same "few images" $sample -m run --count 1 --out made/grid.png --out-dir made/images --json
same "rounds of one image" $sample -m run --count 7 --batch 1 --sampler ddpm --steps 5 --out-dir made/images --json
same "ode" $sample -m run --count 6 --sampler ode --tolerance 1e-2 --npz made/x.npz --film made/film.png --frames made/frames --moments 3 --json
same "film" $sample -m run --count 5 --batch 2 --film made/film.png --frames made/frames --json
same "film of one image" $sample -m run --count 1 --film made/film.png --frames made/frames --moments 3 --json
same "classes" $sample -m classes --count 9 --npz made/x.npz --out made/grid.png --json
same "points" $sample -m toy --count 50 --batch 9 --csv made/points.csv --out made/plot.png --film made/film.png
same "between" $sample -m run --count 5 --between 3 9 --out made/grid.png
same "restore" restore -q --threads 1 -m run files/000000.png --scale 2 --count 5 --batch 2 --out made/grid.png --json
same "nll" nll -q --threads 1 -m run --data images-idx3-ubyte --count 11 --calls 8 --csv made/t.csv --json
same "nll of labels" nll -q --threads 1 -m classes --data labelled/train-images-idx3-ubyte --part train --count 9 --batch 2 --calls 8 --json
same "nll of files" nll -q --threads 1 -m run --exact --per-step made/p.csv files/*.png
same "nll ode" nll -q --threads 1 -m run --data images-idx3-ubyte --count 5 --protocol ode --tolerance 1e-2 --dequant 1 --json
same "nll exact" nll -q --threads 1 -m cdm --data images-idx3-ubyte --count 20 --csv made/t.csv
same "denoise" denoise -q --threads 1 -m run --data images-idx3-ubyte --level 5 --json
same "denoise of labels" denoise -q --threads 1 -m classes --data labelled/train-images-idx3-ubyte --part train --level 5 --count 37
same "denoise of an image" denoise -q --threads 1 -m run files/000000.png --level 5 --out made/clean.png --json
same "eval" eval -q --threads 1 -m run --data images-idx3-ubyte --count 9 --steps 2 --out made/nearest.png --json
same "eval of features" eval -q --threads 1 -m run --data images-idx3-ubyte --count 9 --steps 2 --features inception.safetensors --json
same "eval of a file" eval -q --threads 1 files.npz --features inception.safetensors --save-stats made/stats.npz
same "refused" $sample -m run --count 9 --out made/grid.jpg

# ---- going on, and failing ----

# Processes of a case that are still there ten seconds after its launcher has ended would be found here.
none_left() { # PIDS...
    for i in $(seq 100); do
        alive=
        for pid in "$@"; do kill -0 "$pid" 2>/dev/null && alive=yes; done
        [ -n "$alive" ] || return 0
        sleep 0.1
    done
    return 1
}
# Runs `diffc ARGUMENTS` in two processes that leave their numbers in pid.0 and pid.1, and the launcher's in
# pid.launcher; the second one runs `$second` first.
second=:
pair() {
    rm -f pid.*
    second="$second" mpirun="$mpirun" options="$options" timeout 300 sh -c '
        echo $$ >pid.launcher
        exec $mpirun $options -np 2 "$@"' sh sh -c '
        rank=${OMPI_COMM_WORLD_RANK:-$PMI_RANK}
        echo $$ >pid.$rank
        [ "$rank" = 0 ] || eval "$second"
        exec "$@"' sh "$mpi" "$@"
}
until_there() { # FILE: waits a minute for it
    for i in $(seq 600); do
        [ -e "$1" ] && return 0
        sleep 0.1
    done
    return 1
}
long="sample -q --threads 1 -m slow --count 24 --batch 2 --sampler ddpm --steps 1000"

if wanted continue; then
    "$plain" $long --out-dir whole >/dev/null
    before=$options
    for signal in "pid.1 TERM" "pid.0 TERM" "pid.launcher INT"; do
        rm -rf part
        # Open MPI would wait a second before it stops anything, in which a fast machine makes all images.
        [ -z "$options" ] || options="$before --mca odls_base_sigkill_timeout 0"
        pair $long --out-dir part >said 2>&1 &
        until_there part/000003.png
        kill -${signal#* } "$(cat ${signal% *})"
        wait $!
        status=$?
        none_left $(cat pid.0 pid.1)
        judge "after $signal a process runs on" said
        test $status -ne 0
        judge "after $signal the launcher says that all is well" said
        [ "$signal" = "pid.launcher INT" ] || test $status = 130
        judge "after $signal the status is $status, not 130" said
        test -e part/sample-0.part
        judge "after $signal nothing is left to continue" said
        options=$before
        world 3 "$mpi" $long --out-dir part --continue >said 2>&1 && diff -r part whole >>said
        judge "after $signal --continue in three processes does not complete the folder" said
    done
fi

fails() { # NAME STATUS SENTENCE ARGUMENTS...: that `$second` makes the second process fail
    name=$1 expected=$2 sentence=$3
    shift 3
    wanted "$name" || return
    pair "$@" >said 2>&1
    status=$?
    test $status = "$expected"
    judge "$name: the status is $status, not $expected" said
    none_left $(cat pid.0 pid.1)
    judge "$name: a process runs on" said
    test "$(grep -c '^diffc' said)" = 1 && grep -q "$sentence" said
    judge "$name: not one sentence with '$sentence'" said
}
mkdir other
cp -r run other/run
head -c 8000 images-idx3-ubyte >other/first
printf x | cat other/first - >other/images-idx3-ubyte
tail -c 8399 images-idx3-ubyte >>other/images-idx3-ubyte
second='cd other'
fails "a model that is missing" 1 'process 1 on .*: slow: ' $sample -m slow --count 4 --out grid.png
fails "other images" 2 'process 1 on .* has other images' nll -q -m run --data images-idx3-ubyte --count 64
"$plain" train -q --threads 1 tiny.json --seed 1 --out other/cdm >/dev/null
fails "another model" 2 'process 1 on .* has other weights' $sample -m cdm --count 4 --out grid.png
second=:
fails "a full disk" 1 'No space left' $sample -m run --count 4 --npz /dev/full
ls grid.png >there 2>/dev/null && false || ! test -s there
judge "a picture was written after a failure" there

echo "$passed passed, $failed failed"
[ $failed = 0 ]
