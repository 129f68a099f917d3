/* The CPUs that this process may run on, and the cores to which they belong. Two CPUs may be two threads of one
 * core (hyper-threads), which share its arithmetic. Known on Linux alone. */
#ifndef DIFFC_CORES_H
#define DIFFC_CORES_H

enum { CORES_MOST_CPUS = 1024 };

typedef struct {
    int cpus;                  /* that the process may run on; 0: the system does not tell */
    int cores;                 /* to which they belong; `cpus` where the system does not tell */
    int cpu[CORES_MOST_CPUS];  /* the system's number of each, in ascending order */
    int core[CORES_MOST_CPUS]; /* of each, 0 .. cores-1, in the order of their first CPUs */
} Cores;

/* Sets cpu and cpus: where the calling thread may run (affinity, cpuset). */
void cores_find_cpus(Cores *c);

/* Sets core and cores, from the folder sys/devices/system/cpu below `root`: "" except in tests. */
void cores_read(Cores *c, const char *root);

/* The first core that has several of the CPUs; -1: none has. */
int cores_first_shared(const Cores *c);

/* The index of the k-th CPU of a core; -1: it has no more. */
int cores_cpu_of(const Cores *c, int core, int k);

/* Lets the calling thread run on the CPUs of one core alone, on the CPU of one index alone (-1: any), or on all. */
void cores_run_on(const Cores *c, int index, int core);

/* Lets the calling thread, and those that it starts later, run on the place-th of `places` shares of the CPUs alone:
 * CPUs that follow each other in the order of cores. Where there are more places than CPUs, several get the same. */
void cores_take_share(const Cores *c, int place, int places);

#endif
