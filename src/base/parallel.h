/* Threads: OpenMP for loops, one BLAS thread inside each. Work is split by shape, never by the
 * number of threads, and every sum has a fixed order, so 1, 2 and 8 threads give the same bits.
 * Loops write `#pragma omp parallel for` themselves; where scratch is indexed by parallel_thread(), they
 * also write num_threads(parallel_threads()): OpenMP's own number is another in a thread that the user
 * has started. */
#ifndef DIFFC_PARALLEL_H
#define DIFFC_PARALLEL_H

#include <stdbool.h>
#include <stddef.h>

enum { PARALLEL_MOST_THREADS = 256 };

/* The number of threads of a parallel region, for scratch sizes. threads = 0: OMP_NUM_THREADS, or
 * else machine_threads (affinity, cgroup quotas). Fewer where OMP_THREAD_LIMIT or the system allows no more.
 * Should come before networks are planned. Within the work of parallel_side_by_side it is 1. */
void parallel_set_threads(int threads);
int parallel_threads(void);

/* Gives each thread, the calling one included, a CPU of its own where there are as many CPUs as threads, or a core
 * of its own where there are as many cores; otherwise each may move freely. Does nothing where OMP_PROC_BIND is set. */
void parallel_bind_threads(void);

/* Lets the calling thread run where parallel_bind_threads puts that thread of so many; not where the user has bound
 * threads (parallel_may_place). */
bool parallel_may_place(void);
void parallel_run_in_place(int thread, int threads);

/* The cores of the allowed CPUs, and in *cpus these; as many where the system does not tell. */
int parallel_cores(int *cpus);

/* How many CPUs the threads can have at once: fewer than their number where the process may run on fewer, or where its
 * quota is less. */
double parallel_usable_cpus(void);

/* How many of the allowed CPUs are threads of one core, of the first core that has several; 1: none has, the system
 * does not tell, or the user has chosen places. And the place of a thread on that core's CPUs. */
int parallel_siblings(void);
void parallel_run_on_sibling(int thread, int threads);

/* Whether the default number of threads depends on how many times as much such CPUs compute as one of them, and
 * that number, which math/ measures (math/thread_gain.h). Until it is set the default is one thread per CPU. */
bool parallel_gain_decides(void);
void parallel_set_gain(double gain);

/* Treats numbers below 1.2e-38 (double: 2.2e-308) as 0 in every thread, present and future: some
 * CPUs take a hundred times as long for them. Returns what the calling thread did before. */
bool parallel_flush_subnormals(bool on);

/* Writes "2", or "1 of 8 CPUs: the process may run on 1 CPU" where the machine has more CPUs (or why else,
 * machine_threads_reason).
 * Writes "2 instead of 4: the system starts no more ..." and returns false where a limit cut the
 * number that was asked for or is the default. */
bool parallel_describe(char *out, size_t size);

/* Index of the calling thread in its team, 0 .. parallel_threads()-1. */
int parallel_thread(void);

/* Whether one thread alone is faster inside an item than all of them together, as it can be for a small item
 * on a machine whose CPUs share no cache. Timing decides, and decides anew from time to time, because a
 * virtual machine's CPUs move: of 4 runs two go the other way, after 4, 16, 64 and then every 256 runs. Begins
 * as {0}; belongs to items that take equal times. */
typedef struct {
    bool one_thread;
    int runs, wait;    /* since the last comparison; and how many it waits for the next */
    double seconds[2]; /* the fastest run of the comparison: with all threads, with one */
} ParallelInside;

/* Runs work(context, item, copy) for every item 0 .. count-1, in any order. `copy` names which of
 * the copies of its memory the work may use. If there are at least as many copies as threads, items
 * run side by side, each in one thread, as long as every thread has one; all other items run one
 * after the other, with all threads inside each, or as `inside` finds faster (NULL: all). */
typedef void (*ParallelWork)(void *context, int item, int copy);
void parallel_side_by_side(int count, int copies, ParallelInside *inside, ParallelWork work,
                           void *context);

/* How many items are running concurrently, the caller's included (1 outside parallel_side_by_side). */
int parallel_neighbours(void);

#endif
