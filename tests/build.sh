#!/bin/sh
# What the Makefile and .ci promise somebody who has just cloned the tree: tried on a tiny program in a
# folder with a space in its name, with false tools on the PATH. usage: build.sh [FILTER]
set -u
filter=${1:-}
here=$(cd "$(dirname "$0")" && pwd)
scratch=$(mktemp -d "${TMPDIR:-/tmp}/diffc-build.XXXXXX") || exit 2
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM
. "$here/environment.sh"
unset TEST_LEVEL # the trees that are made here have tests of their own
export CC="${CC:-cc}"
compiler=$CC
tree="$scratch/a clone"
out=$scratch/out
passed=0
failed=0

# A program that does as diffc does when it is interrupted, fails or succeeds: its exit status is in
# the file `status`, its arguments go to standard output.
new_tree() {
    cd "$scratch" && rm -rf "$tree" && mkdir -p "$tree/src/cli" "$tree/src/api" "$tree/include" "$tree/tests/any" "$tree/configs" || exit 2
    cp -r "$here/../Makefile" "$here/../.ci" "$tree" && cp "$here/run.sh" "$here/environment.sh" "$tree/tests" || exit 2
    cat >"$tree/src/cli/main.c" <<'END'
#include <stdio.h>
int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) printf("%s%s", argv[i], i + 1 < argc ? " " : "\n");
    FILE *file = fopen("status", "r");
    int status = 0;
    return file && fscanf(file, "%d", &status) == 1 ? status : 0;
}
END
    echo '#define DIFFC_VERSION "1.2.3"' >"$tree/include/diffc.h"
    echo 'extern int shown; int shown;' >"$tree/src/api/api.c"
    echo 0 >"$tree/status"
    cat >"$tree/tests/any/test_one.c" <<'END'
#include <stdio.h>
int main(void)
{
    puts("2 skipped: no such thing\n1 skipped: no other thing\n3 passed, 0 failed");
    return 0;
}
END
    sed 's/2 skipped.*thing/1 skipped: no such thing/' "$tree/tests/any/test_one.c" >"$tree/tests/any/test_two.c"
    echo 'extern int unused;' >"$tree/tests/test.c"
    mkdir "$tree/bin"
    path=$PATH
    CC=$compiler
    cd "$tree" || exit 2
}
# `run` then finds nothing but the tools named here and those that deps.sh uses; without any, the
# compiler is the usual one, and missing.
only_tools() {
    for tool in sh env id uname ar readelf grep head sed tee tail cat ls mktemp rm dirname "$@"; do
        folders=$PATH:
        while [ -n "$folders" ] && [ ! -e "bin/$tool" ]; do
            [ ! -x "${folders%%:*}/$tool" ] || ln -s "${folders%%:*}/$tool" bin/
            folders=${folders#*:}
        done
    done
    path=$tree/bin
    [ $# -gt 0 ] || CC=cc
}
false_tool() { # NAME: its text is read from standard input
    rm -f "bin/$1"
    { echo '#!/bin/sh'; cat; } >"bin/$1"
    chmod +x "bin/$1"
}
run() { # STATUS COMMAND...: its output is in $out
    expected=$1
    shift
    (PATH=$path && "$@") >"$out" 2>&1 </dev/null
    status=$?
    [ $status -eq "$expected" ] || bad "exit $status, expected $expected: $*"
}
bad() {
    [ $good -eq 0 ] || echo "FAIL $name"
    good=0
    echo "  $1"
    sed 's/^/    /' "$out" | head -n 20
}
says() { grep -qF -- "$1" "$out" || bad "does not say: $1"; }
says_not() { ! grep -qF -- "$1" "$out" || bad "says: $1"; }
case_() { # NAME: runs the function of that name
    name=$1
    case $name in *"$filter"*) ;; *) return ;; esac
    good=1
    new_tree
    "$name"
    [ $good -eq 1 ] && passed=$((passed + 1)) || failed=$((failed + 1))
}

a_build_prints_a_line_a_file_and_one_more_when_nothing_is_left_to_do() {
    run 0 make
    says "cc    src/cli/main.c"
    says "link  build/release/diffc"
    test -x build/diffc || bad "no build/diffc"
    run 0 make
    says "build/diffc is up to date"
    says_not "Nothing to be done"
    run 0 make -s
    test ! -s "$out" || bad "make -s is not silent"
    cd /
    run 0 make -C "$tree" MODE=debug
    says "build/debug/diffc is up to date"
}
all_jobs_build_without_a_warning_of_make() {
    for jobs in '' -j1 -j8; do
        run 0 make $jobs clean all tests
        says "link  build/release/tests/any/test_two"
        says_not "warning"
        run 0 make $jobs test DATASETS=/none
        says_not "warning"
    done
}
missing_libraries_are_named_with_make_deps() {
    run 2 env PKG_CONFIG_LIBDIR=/none PKG_CONFIG_PATH= make
    says ", which installs them or says how"
    says "libopenblas-dev libcjson-dev libstb-dev zlib1g-dev"
    says_not "error:"
    says_not "cc    src"
    run 0 env PKG_CONFIG_LIBDIR=/none PKG_CONFIG_PATH= make help
    run 0 env PKG_CONFIG_LIBDIR=/none PKG_CONFIG_PATH= make clean
}
a_blas_that_is_not_there_is_named() {
    run 1 .ci/blas.sh no-such-blas
    says "no CBLAS is found with '-lno-such-blas' (make BLAS=no-such-blas); 'make BLAS=none' builds without"
    run 0 .ci/blas.sh none
    test ! -s "$out" || bad "BLAS=none names a library"
}
a_missing_compiler_is_named_with_make_deps() {
    run 2 make CC=no-such-compiler
    says "no-such-compiler libc6-dev; run 'make deps CC=\"no-such-compiler\"'"
    says_not "cc    src"
}
a_missing_mpi_is_named_with_make_deps() {
    run 2 make MPI=1 MPICC=no-such-mpicc
    says "libopenmpi-dev openmpi-bin; run 'make deps"
    says " MPI=1', which installs them"
    says_not "cc    src"
}
without_apt_the_packages_are_named() {
    only_tools
    run 1 .ci/deps.sh
    says "please install them with this system's package manager): gcc libc6-dev pkg-config libopenblas-dev"
}
without_sudo_the_command_of_root_is_named() {
    only_tools
    echo 'exit 1' | false_tool apt-get
    echo 'echo 1000' | false_tool id
    run 1 .ci/deps.sh
    says "as root, run: apt-get install -y --no-install-recommends gcc libc6-dev pkg-config libopenblas-dev"
}
debconf_asks_nothing_behind_sudo() {
    only_tools
    echo 'echo 1000' | false_tool id
    echo 'exec env -i PATH="$PATH" "$@"' | false_tool sudo # sudo drops the environment
    false_tool apt-get <<'END'
case "$*" in *install*) echo "$DEBIAN_FRONTEND $*" >asked; echo "Setting up gcc (4:12) ..." ;; esac
END
    run 0 .ci/deps.sh
    says "installing: gcc"
    says "  gcc is installed"
    grep -q '^noninteractive .*install .* gcc libc6-dev' asked || bad "apt-get got: $(cat asked)"
}
a_failing_apt_is_shown_and_root_told_what_to_run() {
    only_tools
    echo 'echo 0' | false_tool id
    echo 'echo "E: no network"; exit 100' | false_tool apt-get
    run 1 .ci/deps.sh
    says "E: no network"
    says "run as root: apt-get install -y --no-install-recommends gcc"
}
a_system_without_the_optional_package_gets_the_others() {
    only_tools
    echo 'echo 0' | false_tool id
    false_tool apt-get <<'END'
case "$*" in *dataset-*) echo "E: Unable to locate package"; exit 100 ;; *install*) echo "$*" >asked ;; esac
END
    run 0 env DATASETS=/none .ci/deps.sh --optional dataset-fashion-mnist
    says "E: Unable to locate package"
    says "going on without: dataset-fashion-mnist"
    grep -q 'gcc libc6-dev' asked || bad "the others are not installed"
    run 1 env DATASETS=/none .ci/deps.sh dataset-fashion-mnist
}
a_missing_data_set_stops_the_demo_but_not_the_tests() {
    only_tools make $CC as ld pkg-config mkdir ln find printf basename awk grep sort
    run 2 make demo DATASETS=/none
    says "train-images-idx3-ubyte.gz train-labels-idx1-ubyte.gz t10k-images-idx3-ubyte.gz t10k-labels-idx1-ubyte.gz"
    says "into data/fashion-mnist"
    run 0 make test DATASETS=/none
    says "into data/fashion-mnist"
    says "going on without: dataset-fashion-mnist"
    says "6 passed, 0 failed"
    mkdir -p data/fashion-mnist
    : >data/fashion-mnist/train-images-idx3-ubyte.gz
    : >data/fashion-mnist/t10k-images-idx3-ubyte.gz
    run 0 make demo DATASETS=/none
}
skipped_cases_are_counted_by_reason_and_can_be_failures() {
    run 0 make tests
    run 0 tests/run.sh build/release
    grep -A 2 '^1 skipped: no other thing$' "$out" | tr '\n' '|' |
        grep -qxF '1 skipped: no other thing|3 skipped: no such thing|6 passed, 0 failed|' || bad "the summary is another"
    run 1 tests/run.sh --no-skip build/release
    says "6 passed, 1 failed"
}
install_says_what_it_did_and_without_rights_names_sudo_and_prefix() {
    run 0 make install DESTDIR="$tree/root of it" PREFIX=/usr
    says "installed $tree/root of it/usr/bin/diffc"
    test -x "root of it/usr/bin/diffc" || bad "nothing is installed"
    run 0 make install DESTDIR="$tree/root of it" PREFIX=/usr
    says_not "cc    src"
    run 0 make uninstall DESTDIR="$tree/root of it" PREFIX=/usr
    test ! -e "root of it/usr/bin/diffc" || bad "it is still installed"
    run 0 make uninstall DESTDIR="$tree/root of it" PREFIX=/usr
    says "usr/bin/diffc is not there"
    says "usr/lib/libdiffc.so.0 is not there"
    says "usr/share/man/man1/diffc.1 is not there"
    run 2 make install PREFIX=/dev/null/there
    says "run 'sudo make install'"
    says 'make install PREFIX=$HOME/.local'
}
man_page_and_completions_are_installed_where_the_program_runs_and_else_left_out() {
    run 0 make install DESTDIR="$tree/root of it" PREFIX=/usr
    share="root of it/usr/share"
    [ "$(cat "$share/man/man1/diffc.1")" = "help --man" ] || bad "no man page of the program's"
    [ "$(cat "$share/bash-completion/completions/diffc")" = "help --completion bash" ] || bad "no completion for bash"
    [ "$(cat "$share/zsh/site-functions/_diffc")" = "help --completion zsh" ] || bad "no completion for zsh"
    run 0 make uninstall DESTDIR="$tree/root of it" PREFIX=/usr
    says "removed $tree/root of it/usr/share/zsh/site-functions/_diffc"
    [ -z "$(find "$share" -type f)" ] || bad "something stays: $(find "$share" -type f)"
    # A program for another machine does not run here.
    echo "not for this machine" >build/release/diffc
    run 0 make install DESTDIR="$tree/other" PREFIX=/usr
    says "installed $tree/other/usr/bin/diffc"
    says "no man page and no completions"
    test ! -e "$tree/other/usr/share" || bad "a man page is installed"
}
an_interrupted_demo_says_make_demo_and_goes_on() {
    run 0 make
    echo 130 >status
    run 130 .ci/demo.sh
    says "train configs/fashion-ddpm.json --out runs/demo"
    says_not "--resume"
    says "run 'make demo' again to continue"
    mkdir -p runs/demo/model
    : >runs/demo/config.json
    echo 0 >status
    run 0 .ci/demo.sh
    says "train configs/fashion-ddpm.json --out runs/demo --resume"
    says "sample --model runs/demo"
}
a_finished_demo_is_not_repeated() {
    run 0 make
    mkdir -p runs/demo/model
    : >runs/demo/config.json
    touch -d '1 hour ago' runs/demo/model
    : >grid.png
    run 0 .ci/demo.sh
    says_not "sample --model"
    says "grid.png shows 64 samples of it already"
    echo 2 >status
    run 2 .ci/demo.sh
    says "'rm -r runs/demo' and 'make demo' start the demo from the beginning"
}

for each in $(sed -n 's/^\([a-z_]*_[a-z_]*\)() {$/\1/p' "$here/build.sh"); do
    case $each in new_tree | only_tools | false_tool | says_not | case_) ;; *) case_ "$each" ;; esac
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
