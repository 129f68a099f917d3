# Names the program, the level, with blas the library, the compiler, and the threads with what they compute together.
diffc --version >out
grep -q '^diffc [0-9]*\.[0-9]*\.[0-9]*$' out && grep -qE '^level: (plain|avx2|avx512|blas [(].+[)])$' out &&
    grep -qE '^compiler: (gcc|clang) [0-9]+[.][0-9]+[.][0-9]+$' out
together='; together they compute [0-9]+[.][0-9][0-9] times as much as one'
assert "threads" grep -qE "^threads: (1|1 .*[^;]|[0-9].*$together)\$" out
assert "cores" test "$(grep -cvE '^(diffc|level:|compiler:|threads:) |^CPUs: [0-9]+, threads of [0-9]+ cores?$' out)" -eq 0
OMP_NUM_THREADS=1 diffc --version | grep -q "^threads: 1\( of [0-9]* CPUs: OMP_NUM_THREADS\)\{0,1\}\$"
OMP_NUM_THREADS=3 diffc --version | grep -qE "^threads: 3$together\$"
OMP_PROC_BIND=true OMP_NUM_THREADS=2 diffc --version | grep '^threads' # where the user has bound threads nothing is measured
#> threads: 2
