/* What the machine gives this process: CPUs and memory. `root` stands before every path that is read: ""
 * except in tests. */
#ifndef DIFFC_MACHINE_H
#define DIFFC_MACHINE_H

#include <stdint.h>

typedef struct {
    int online;   /* CPUs of the machine */
    int allowed;  /* that this process may run on: affinity, cpuset */
    double quota; /* CPU time a second of time (control groups); INFINITY: no limit */
} MachineCpus;
MachineCpus machine_cpus(const char *root);

/* Threads that use what is given: one per allowed CPU, but not more than the quota rounded up. Rounded
 * up, because a quota of 1.5 CPUs lets two threads run three quarters of the time, and one thread would
 * leave a third of it unused. */
int machine_threads(const MachineCpus *cpus);

typedef enum { MEMORY_OF_MACHINE, MEMORY_OF_GROUP, MEMORY_OF_LIMIT } MemoryBound;

/* Memory that this process can still take without swapping: the least of MemAvailable, of what
 * its control groups leave, and of what RLIMIT_AS leaves. */
typedef struct {
    uint64_t bytes; /* UINT64_MAX: not known */
    uint64_t swap;  /* free swap space, beyond `bytes` */
    MemoryBound bound;
} MachineMemory;
MachineMemory machine_memory(const char *root);

/* "free", "left by the control group's memory limit", "left by ulimit -v". */
const char *memory_bound_words(MemoryBound bound);

#endif
