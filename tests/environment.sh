# The environment of the tests, whoever runs them: run.sh and cli/run.sh source this. Of the caller's
# variables only these stay: where compiler, programs and libraries are found, where temporary files may lie, and
# what the sanitizers and UPDATE=1 are told, MPIRUN (mpi.sh), and TEST_LEVEL, the level (DIFFC_CPU) at which all runs. Locale, terminal, colours, threads, instruction sets and
# the umask are set here.
for variable in $(env | sed -n 's/^\([A-Za-z_][A-Za-z_0-9]*\)=.*/\1/p'); do
    case $variable in
    CC | PKG_CONFIG_PATH | PKG_CONFIG_LIBDIR | CPATH | LIBRARY_PATH) ;;
    PATH | TMPDIR | LD_LIBRARY_PATH | LD_PRELOAD | ASAN_OPTIONS | UBSAN_OPTIONS | LSAN_OPTIONS | UPDATE | TEST_LEVEL | MPIRUN) ;;
    IFS | PPID | UID | EUID | SHELLOPTS | BASHOPTS | PWD) ;; # the shell's own
    *) unset "$variable" ;;
    esac
done
export LC_ALL=C TERM=dumb
# Waiting threads sleep instead of spinning: on a busy machine the tests would take minutes longer.
export OMP_WAIT_POLICY=passive
[ -z "${TEST_LEVEL:-}" ] || export DIFFC_CPU="$TEST_LEVEL"
umask 022
