/* What the machine gives this process: CPUs and memory. `root` stands before every path that is read: ""
 * except in tests. */
#ifndef DIFFC_MACHINE_H
#define DIFFC_MACHINE_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    int online;   /* CPUs of the machine */
    int allowed;  /* that this process may run on: affinity, cpuset */
    double quota; /* CPU time a second of time (control groups); INFINITY: no limit */
    int cores;    /* to which the allowed CPUs belong (cores.h); 0: one each */
    double
        gain; /* how many times as much the CPUs of a core compute as one of them; 0: not measured */
} MachineCpus;
MachineCpus machine_cpus(const char *root); /* all but cores and gain, which are 0 */

/* The default number of threads: one per allowed CPU, or one per core where several CPUs of a core compute
 * less than so much of what one of them does; but not more than the quota rounded up. With
 * a quota of 1.5 CPUs two threads run three quarters of the time; one thread would leave a third of
 * the quota unused. Seven updates of fashion-ddpm under that quota took 6.9 and 7.8 s on one
 * thread, 4.8 and 5.5 s on two. */
enum { LEAST_GAIN_PERCENT = 110 };
int machine_threads(const MachineCpus *cpus);

/* What that number follows from: "the process may run on 2 CPUs". */
void machine_threads_reason(const MachineCpus *cpus, char *out, size_t size);

/* How long the threads of this process that still run have waited in all for a CPU, which others had; 0 where the system
 * does not tell. */
double machine_waited_seconds(const char *root);

/* The CPU's name as Linux gives it for x86, such as "AMD EPYC 9B45"; "" where it gives none. */
void machine_cpu_name(const char *root, char *out, size_t size);

typedef enum { MEMORY_OF_MACHINE, MEMORY_OF_GROUP } MemoryBound;

/* Memory that this process can still use without swapping: MemAvailable, or less where its control
 * groups leave less. (Beyond RLIMIT_AS an allocation fails, which needs no forecast.) */
typedef struct {
    uint64_t bytes;    /* UINT64_MAX: not known */
    uint64_t swap;     /* free swap space, beyond `bytes` */
    uint64_t resident; /* held by this process already, not in `bytes` */
    MemoryBound bound;
} MachineMemory;
MachineMemory machine_memory(const char *root);

/* "free", "left by the memory limit of the control group". */
const char *memory_bound_words(MemoryBound bound);

#endif
