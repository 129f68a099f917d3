#!/bin/sh
# Several processes train together: the same bits as of one, whatever their number; and what happens when one fails.
# Run by mpirun on this machine alone. usage: mpi.sh DIFFC_BUILT_WITH_MPI DIFFC_BUILT_WITHOUT [FILTER]
set -u
[ $# -ge 2 ] || { sed -n 's/^.*usage: /usage: /p' "$0" >&2; exit 2; }
absolute() { echo "$(cd "$(dirname "$1")" && pwd)/$(basename "$1")"; }
diffc=$(absolute "$1")
plain=$(absolute "$2")
filter=${3:-}
here=$(cd "$(dirname "$0")" && pwd)
. "$here/environment.sh"
scratch=$(mktemp -d "${TMPDIR:-/tmp}/diffc-mpi.XXXXXX") || exit 2
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM
passed=0
failed=0
out=$scratch/out # of the command at hand, both streams

. "$here/mpi/launcher.sh"
together() { # N COMMAND...: N processes of it
    n=$1
    shift
    # shellcheck disable=SC2086 # several options or none
    $mpirun $options -np "$n" "$@"
}
bad() {
    [ $good -eq 0 ] || echo "FAIL $name"
    good=0
    echo "  $1"
    [ ! -s "$out" ] || sed 's/^/    /' "$out" | head -n 20
}
run() { # STATUS COMMAND...: its output is in $out
    expected=$1
    shift
    "$@" >"$out" 2>&1 </dev/null
    status=$?
    [ $status -eq "$expected" ] || bad "exit $status, expected $expected: $*"
}
says() { grep -qF -- "$1" "$out" || bad "does not say: $1"; }
says_once() { # TEXT
    [ "$(grep -cF -- "$1" "$out")" -eq 1 ] || bad "does not say once: $1"
}

# ---- data and runs ----

images() { # FILE WHICH: 64 grey images of 8x8
    { printf '\000\000\010\003\000\000\000\100\000\000\000\010\000\000\000\010'; tail -c +"$2" "$here/README.md" | head -c 4096; } >"$1"
}
small='{ "data": { "path": "images-idx3-ubyte", "validation": 12 },
  "model": { "channels": 16, "multipliers": [1, 2], "blocks": 1, "attention": [4], "groups": 4 },
  "method": { "type": "ddpm", "steps": 20 },
  "train": { "steps": 6, "batch": 16, "micro_batch": 2, "warmup": 2, "log_every": 1, "checkpoint_every": 3,
             "keep": 9, "validate": 9, "schedule": "constant", "lr": 0.002 },
  "sample": { "sampler": "ddim", "steps": 4, "count": 4 } }'
train() { # RUN [SETTING]...: with the command before it in $by
    folder=$1
    shift
    set -- "$@" x
    while [ "$1" != x ]; do
        set -- "$@" --set "$1"
        shift
    done
    shift
    run 0 $by train small.json --out "$folder" --quiet "$@"
}
# The numbers of the log, without times and what is named by the folder.
log_of() { # RUN
    grep -v '"event":"samples"' "$1/stats.jsonl" | sed 's/,"images_per_s":[^,}]*//; s/,"seconds":[^,}]*//; s/,"startup_seconds".*/}/'
}
# The tensors of a file of safetensors, behind its header, which has the time in it.
tensors() { # FILE
    header=$(od -An -N8 -tu8 "$1" | tr -d ' ')
    tail -c +$((header + 9)) "$1"
}
same_runs() { # RUN OTHER
    log_of "$1" >log.a
    log_of "$2" >log.b
    cmp -s log.a log.b || { diff log.a log.b | head -n 4; bad "the logs of $1 and $2 differ"; }
    for file in "$1"/checkpoints/*.safetensors; do
        tensors "$file" >tensors.a
        tensors "$2/checkpoints/$(basename "$file")" >tensors.b
        [ -s tensors.a ] && cmp -s tensors.a tensors.b || bad "$(basename "$file") of $1 and $2 differ"
    done
    for file in "$1"/samples/*.png; do
        cmp -s "$file" "$2/samples/$(basename "$file")" || bad "$(basename "$file") of $1 and $2 differ"
    done
}
same_for_any_number() { # NUMBERS [SETTING]...
    numbers=$1
    shift
    by=$plain
    train one "$@"
    by=$diffc
    train alone "$@"
    same_runs one alone
    for count in $numbers; do
        by="together $count $diffc"
        train "by-$count" "$@"
        same_runs one "by-$count"
    done
}

case_() { # NAME: runs the function of that name in a fresh folder
    name=$1
    case $name in *"$filter"*) ;; *) return ;; esac
    good=1
    rm -rf "$scratch/case" && mkdir "$scratch/case" && cd "$scratch/case" || exit 2
    : >"$out"
    images images-idx3-ubyte 1
    echo "$small" >small.json
    by=$diffc
    "$name"
    [ $good -eq 1 ] && passed=$((passed + 1)) || failed=$((failed + 1))
}

# ---- the cases ----

sums_and_shares_of_any_number_of_processes() {
    for count in 1 2 3 4 8; do
        run 0 together $count "$(dirname "$diffc")/tests/base/test_world"
        says " passed, 0 failed"
    done
}
ddpm_has_the_same_bits_on_1_2_4_and_8_processes() {
    same_for_any_number '2 4 8' train.eval_every=3
}
muon_dropout_and_accumulate_have_the_same_bits() {
    same_for_any_number '2 4' train.optimizer=muon model.dropout=0.1 train.accumulate=3 train.batch=6 train.micro_batch=2
}
eddpm_has_the_same_bits() {
    same_for_any_number '2 4' method.type=eddpm method.keep=5
}
cdm_has_the_same_bits() {
    same_for_any_number '2 4' method.type=cdm train.eval_every=0
}
threads_change_no_bit_of_two_processes() {
    by=$plain
    train one
    by="together 2 $diffc"
    run 0 $by train small.json --out three --quiet --threads 3
    same_runs one three
}
a_run_goes_on_by_another_number_of_processes() {
    by=$plain
    train whole
    by="together 2 $diffc"
    train first train.steps=3
    run 0 "$plain" train --resume --out first --steps 6 --quiet
    same_runs whole first
    by=$plain
    train second train.steps=3
    run 0 together 4 "$diffc" train --resume --out second --steps 6 --quiet
    same_runs whole second
    run 0 together 2 "$diffc" train --resume --out second
    says_once "second is finished"
}
# A shell script that each process runs in place of diffc: number is its number.
by_number() { # TEXT
    { echo '#!/bin/sh'; echo 'number=${OMPI_COMM_WORLD_RANK:-$PMI_RANK}'; echo "$1"; } >each
    chmod +x each
}
wait_for() { # COMMAND...: for at most 20 seconds
    for _ in $(seq 200); do
        "$@" 2>/dev/null && return
        sleep 0.1
    done
    bad "waited in vain for: $*"
}
has_a_checkpoint() { ls "$1"/checkpoints/step-*.safetensors >/dev/null; } # RUN: whichever step is among those it keeps
begin_long_run() { # NUMBER_OF_PROCESSES: of 'each', in the background; a checkpoint is there
    by_number 'echo $$ >pid.$number
exec '"$diffc"' train small.json --out run --quiet --set train.steps=1000000 --set train.validate=0 --set train.keep=2'
    # shellcheck disable=SC2086 # several options or none
    $mpirun $options -np "$1" ./each >"$out" 2>&1 </dev/null &
    launcher=$!
    wait_for has_a_checkpoint run
}
is_over() { # NUMBER: of a process, within two seconds; one whose exit status nobody has fetched is over too
    for _ in $(seq 20); do
        case $(ps -o stat= -p "$(cat "pid.$1")") in '' | Z*) return ;; esac
        sleep 0.1
    done
    bad "process $1 lives on"
}
ends_within() { # SECONDS: the launcher; its exit status is in $status
    for _ in $(seq $(($1 * 10))); do
        kill -0 $launcher 2>/dev/null || break
        sleep 0.1
    done
    if kill -0 $launcher 2>/dev/null; then
        bad "still there after $1 seconds"
        kill -KILL $launcher $(cat pid.*)
    fi
    wait $launcher
    status=$?
}
goes_on_as_if_nothing_had_happened() { # RUN: from its newest checkpoint
    last=$(ls "$1"/checkpoints | sed -n 's/^step-0*\([0-9]*\)\.safetensors$/\1/p' | tail -n 1)
    run 0 "$plain" train --resume --out "$1" --steps $((last + 3)) --quiet --set train.validate=9
    run 0 "$plain" train small.json --out again --steps $((last + 3)) --quiet
    step=$(printf 'step-%08d.safetensors' $((last + 3)))
    tensors "$1/checkpoints/$step" >tensors.a
    tensors "again/checkpoints/$step" >tensors.b
    cmp -s tensors.a tensors.b || bad "$step is another than that of a run without a fault"
}
a_killed_process_ends_the_others_and_the_last_checkpoint_stays() {
    begin_long_run 2
    kill -KILL "$(cat pid.1)"
    ends_within 10
    [ $status -ne 0 ] || bad "exit 0"
    is_over 0
    grep -q -e "rank 1" -e "PID $(cat pid.1) " "$out" || bad "the launcher does not say which"
    goes_on_as_if_nothing_had_happened run
}
the_first_process_killed_ends_the_others_too() {
    begin_long_run 4
    kill -KILL "$(cat pid.0)"
    ends_within 10
    [ $status -ne 0 ] || bad "exit 0"
    for number in 1 2 3; do is_over $number; done
    goes_on_as_if_nothing_had_happened run
}
an_interruption_of_any_process_saves_the_run() {
    begin_long_run 2
    kill -TERM "$(cat pid.1)"
    ends_within 10
    [ $status -eq 130 ] || bad "exit $status"
    says_once "everything is saved"
    goes_on_as_if_nothing_had_happened run
}
# The decoded images that process 1, or all, read from disk are cut short. Nothing else saves these runs.
cut_short() { # NUMBER_OF_PROCESSES PLACE: there (process 1 has its own data) or . (one file for all)
    make_set
    sed -i 's/images-idx3-ubyte/set/; s/"validation": 12/"validation": 4, "cache": "kept"/; s/"checkpoint_every": 3/"checkpoint_every": 0/' small.json
    mkdir there
    cp -r set small.json there
    by_number "echo \$\$ >pid.\$number
[ \$number -ne 1 ] || cd $2
exec $diffc train small.json --out run --quiet --set train.steps=1000000 --set train.validate=0"
    # shellcheck disable=SC2086 # several options or none
    $mpirun $options -np "$1" ./each >"$out" 2>&1 </dev/null &
    launcher=$!
    wait_for grep -q '"step":2,' run/stats.jsonl
    for file in "$2"/kept/*; do : >"$file"; done
    ends_within 10
    [ $status -eq 1 ] || bad "exit $status"
    says_once "was cut short while it was in use"
    [ "$2" = . ] || says_once "diffc train: process 1 on "
    rm -rf kept
    test -e run/checkpoints && goes_on_as_if_nothing_had_happened run || bad "nothing is saved"
}
images_that_one_process_cannot_read_end_all_and_the_run_is_saved() {
    cut_short 2 there
}
images_that_nobody_can_read_end_all_and_the_run_is_saved() {
    cut_short 4 .
}
# Open MPI waits so long before SIGTERM, and as long before SIGKILL.
the_launcher_interrupted_saves_the_run_where_it_grants_the_time() {
    before=$options
    [ -z "$options" ] || options="$options --mca odls_base_sigkill_timeout 2"
    begin_long_run 2
    kill -TERM $launcher
    ends_within 20
    options=$before
    says_once "everything is saved"
    goes_on_as_if_nothing_had_happened run
}
numbers_that_do_not_divide_the_work_are_refused_with_what_would() {
    run 2 together 3 "$diffc" train small.json --out run
    says_once "diffc train: 3 processes cannot train together: they add gradients in pairs, and in pairs of pairs, so there must be 2, 4 or 8 of them"
    run 2 together 4 "$diffc" train small.json --out run --set train.micro_batch=8
    says_once "4 processes cannot share an update of 2 passes (train.batch 16 in passes of 8, train.accumulate 1); start at most 2, or give it more passes, such as with train.micro_batch=4"
    run 2 together 4 "$diffc" train small.json --out run --set train.micro_batch=1 --set train.batch=2
    says_once "train.accumulate=2"
    # Neither needs the data.
    rm images-idx3-ubyte
    run 2 together 3 "$diffc" train small.json --out run
    says_once "3 processes cannot train together"
    run 2 together 3 "$diffc" train images-idx3-ubyte --out run
    says_once "3 processes cannot train together"
    run 2 together 4 "$diffc" train small.json --out run --set train.micro_batch=8
    says_once "4 processes cannot share an update of 2 passes"
    run 2 together 4 "$diffc" train small.json --out run --set train.micro_batch=0 --set train.batch=2
    says_once "train.accumulate=2"
    test ! -e run || bad "a run was begun"
}
other_data_on_one_machine_are_refused() {
    mkdir there
    images there/images-idx3-ubyte 2
    by_number '[ $number -eq 0 ] || cd there
exec '"$diffc"' train "'"$scratch/case/small.json"'" --out run'
    run 2 together 2 ./each
    says_once "diffc train: process 1 on "
    says "has other data than process 0"
    # One pixel of one image, whichever.
    cp images-idx3-ubyte there
    printf '\377' | dd of=there/images-idx3-ubyte bs=1 seek=$((16 + 37 * 64)) conv=notrunc status=none
    run 2 together 2 ./each
    says "has other data than process 0"
    rm there/images-idx3-ubyte
    run 1 together 2 ./each
    says_once "diffc train: process 1 on "
    says "images-idx3-ubyte"
    test ! -e run/config.json || bad "a run was begun"
}
other_configurations_are_refused() {
    by_number 'set -- --quiet
[ $number -eq 0 ] || set -- --quiet --set train.lr=0.5
exec '"$diffc"' train small.json --out run "$@"'
    run 2 together 2 ./each
    says "train.lr is 0.5 here and "
    says " in process 0; every process needs the same configuration and options"
    # The options are the same and the files are not.
    mkdir there
    cp images-idx3-ubyte there
    sed 's/"warmup": 2/"warmup": 5/' small.json >there/small.json
    by_number '[ $number -eq 0 ] || cd there
exec '"$diffc"' train small.json --out run --quiet'
    run 2 together 2 ./each
    says "train.warmup is 5 here and 2 in process 0"
    # A process without the file takes that of process 0, with its own options.
    rm there/small.json
    by_number 'set -- --steps 2
[ $number -eq 0 ] || { cd there; set -- --steps 3; }
exec '"$diffc"' train small.json --out run --quiet "$@"'
    run 2 together 2 ./each
    says "train.steps is 3 here and 2 in process 0"
    by_number 'set -- --quiet
[ $number -eq 0 ] || set -- --quiet --dry-run
exec '"$diffc"' train small.json --out run "$@"'
    run 2 together 2 ./each
    says_once " has other --resume, --out, --dry-run, --classes, --size or --effort than process 0; all processes must have the same"
    # One that names no run waits for no other.
    by_number 'set -- --quiet
[ $number -eq 0 ] || set -- --quiet --out run
exec '"$diffc"' train small.json "$@"'
    run 2 together 2 timeout 60 ./each
    says_once " has other --resume, --out, --dry-run, --classes, --size or --effort than process 0; all processes must have the same"
    test ! -e runs || bad "a run was begun"
    by_number 'set -- --size 8
[ $number -eq 0 ] || set -- --size 16
exec '"$diffc"' train images-idx3-ubyte --out run --quiet "$@"'
    run 2 together 2 ./each
    says_once " has other --resume, --out, --dry-run, --classes, --size or --effort than process 0; all processes must have the same"
    test ! -e run/config.json || bad "a run was begun"
}

says_only() { # SENTENCE: and nothing else, but for the launcher
    says_once "$1"
    [ "$(grep -c '^diffc' "$out")" -eq 1 ] || bad "not one sentence"
    ! grep -qi mpi_abort "$out" || bad "the processes did not end by themselves"
}

# The others do not wait for a process that has failed until the launcher has to end them.
what_one_machine_lacks_of_a_run_or_its_start_is_said_once() {
    mkdir there
    cp images-idx3-ubyte there
    by=$plain
    train run
    by_number '[ $number -eq 0 ] || cd there
exec '"$diffc"' train --resume --out run --steps 9 --quiet'
    run 1 together 2 ./each
    says_only ": run: there is no run to resume here"
    ! grep -q 'process 1.*process 1' "$out" || bad "the process is named twice"
    # The whole run is there, but of an earlier step.
    cp -r run there
    rm there/run/checkpoints/step-00000006.safetensors
    run 2 together 2 ./each
    says_only "starts from other weights than process 0: its checkpoint of the run is another"
    by_number '[ $number -eq 0 ] || cd there
exec '"$diffc"' train '"$scratch/case/small.json"' --out new --quiet --set train.init=run'
    rm -r there/run
    run 1 together 2 ./each
    says_only "diffc train: process 1 on "
    test ! -e new || bad "a run was begun"
}
a_run_that_is_in_use_is_refused_at_once() {
    begin_long_run 1
    mv "$out" said
    out=$scratch/case/second
    run 1 together 2 "$diffc" train --resume --out run --quiet
    says_only "diffc train: run: is in use by process $(cat pid.0)"
    out=$scratch/out
    kill -TERM "$(cat pid.0)"
    ends_within 20
}
make_set() { # a folder of 40 pictures
    mkdir set
    "$plain" train small.json --out maker --quiet --steps 1 >"$out" 2>&1
    run 0 "$plain" sample -q -m maker --count 40 --steps 1 --out-dir set
}
a_folder_is_decoded_once_and_kept_for_all() {
    make_set
    set -- data.path=set data.validation=4 train.validate=4
    by=$plain
    train memory "$@" data.cache=off
    by="together 2 $diffc"
    train cold "$@" data.cache=kept
    same_runs memory cold
    [ "$(ls kept | wc -l)" -eq 1 ] || bad "not one file of decoded images: $(ls kept)"
    cp kept/* kept.before
    train warm "$@" data.cache=kept
    same_runs memory warm
    cmp -s kept/* kept.before || bad "the file was made anew"
}
what_all_get_wrong_is_said_once() {
    run 2 together 2 "$diffc" train small.json --out run --set train.lr=-1
    says_once "train.lr"
    run 2 together 2 "$diffc" train --no-such-option
    says_once "no-such-option"
    run 2 together 2 "$diffc" no-such-command
    says_once "no-such-command"
}
a_build_without_mpi_is_refused_by_the_launcher() {
    run 2 together 2 "$plain" train small.json --out run
    says_once "2 processes were started together, but this diffc was built without MPI"
    test ! -e run || bad "a run was begun"
}
a_folder_that_cannot_be_written_ends_all_with_one_sentence() {
    mkdir run && : >run/checkpoints
    run 1 together 2 "$diffc" train small.json --out run
    says_once "run/checkpoints"
}
data_without_a_configuration_are_looked_at_by_one_process() {
    run 0 together 2 "$diffc" train images-idx3-ubyte --out run --steps 2 --set train.batch=8
    says_once "pictures: "
    says_once "processes: 2, from process 0 on "
    [ "$(grep -c '"event":"step"' run/stats.jsonl)" -ge 1 ] || bad "no step is logged"
    grep -q '"processes":2' run/stats.jsonl || bad "the log does not say how many processes"
}
the_lowest_level_of_all_is_taken_and_said() {
    run 0 "$plain" --version
    grep -q '^level: avx' "$out" || return
    by_number '[ $number -eq 0 ] || export DIFFC_CPU=plain
exec '"$diffc"' train small.json --out mixed --steps 1 --set train.checkpoint_every=1'
    run 0 together 2 ./each
    says_once "note: all processes compute at plain, the lowest of their levels"
    ! grep -q "DIFFC_CPU holds" "$out" || bad "DIFFC_CPU is blamed where it is not set"
    run 0 env DIFFC_CPU=plain "$plain" train small.json --out plain --steps 1 --quiet --set train.checkpoint_every=1
    same_runs plain mixed
}
what_is_not_shared_is_done_once() {
    by=$plain
    train run
    run 0 together 2 "$diffc" info run
    says_once "parameters"
    run 0 together 2 "$diffc" --version
    says_once "level: "
}

for each_case in $(sed -n 's/^\([a-z0-9]*_[a-z0-9_]*\)() {.*$/\1/p' "$here/mpi.sh"); do
    case $each_case in
    says_once | log_of | same_runs | same_for_any_number | case_ | by_number | wait_for | has_a_checkpoint | begin_long_run | is_over | ends_within | goes_on_as_* | make_set | cut_short | says_only) ;;
    *) case_ "$each_case" ;;
    esac
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
