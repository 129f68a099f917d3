# The start table says how many threads run, and why when the machine has more CPUs.
threads() { "$@" diffc train --dry-run tiny.json 2>&1 | grep threads | sed "s/of $(nproc --all) CPUs/of N CPUs/"; }
cpu=$(taskset -pc $$ | sed 's/.*: \([0-9]*\).*/\1/')
needs several-cpus
threads taskset -c "$cpu"
threads env OMP_NUM_THREADS=1
threads env OMP_NUM_THREADS=1 GOMP_CPU_AFFINITY="$cpu"
threads env GOMP_CPU_AFFINITY="$cpu"
threads env OMP_THREAD_LIMIT=1 OMP_NUM_THREADS=3
threads env OMP_PROC_BIND=true OMP_NUM_THREADS=2 | sed 's/ 2.*/ 2/'
diffc train --dry-run tiny.json --threads 1 | grep threads | sed "s/of $(nproc --all) CPUs/of N CPUs/"
OMP_THREAD_LIMIT=1 diffc train --dry-run --threads 3 tiny.json | grep threads
#>   threads      1 of N CPUs: the process may run on 1 CPU
#>   threads      1 of N CPUs: OMP_NUM_THREADS
#>   threads      1 of N CPUs: OMP_NUM_THREADS
#>   threads      1 of N CPUs: the process may run on 1 CPU
#> note: threads: 1 instead of 3: OMP_THREAD_LIMIT
#>   threads      1 instead of 3: OMP_THREAD_LIMIT
#>   threads      2
#>   threads      1 of N CPUs: as asked
#>   threads      1 instead of 3: OMP_THREAD_LIMIT
#2> note: threads: 1 instead of 3: OMP_THREAD_LIMIT
