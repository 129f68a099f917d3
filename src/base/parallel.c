#include "base/parallel.h"

#include <math.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#ifdef __SSE2__
#include <xmmintrin.h>
#endif

#include "base/clock.h"
#include "base/cores.h"
#include "base/machine.h"
#include "base/openmp.h"

/* What decided the number of threads. */
typedef enum {
    BY_MACHINE, /* CPUs, affinity and quota */
    BY_CALLER,
    BY_ENVIRONMENT, /* OMP_NUM_THREADS */
    BY_LIMIT,       /* OMP_THREAD_LIMIT */
    BY_SYSTEM,      /* it starts no more threads */
    BY_BUILD,       /* without OpenMP */
} DecidedBy;

static int max_threads; /* 0: nobody has set it */
static DecidedBy decided_by;
static int wished; /* what was asked for, or the default, before limits */
static pthread_once_t counted = PTHREAD_ONCE_INIT;
static MachineCpus cpus; /* as they were before any thread was bound to one */
static Cores cores;
static _Thread_local int neighbours = 1;
static _Thread_local bool one_inside; /* an item of one thread runs, without neighbours */

static void *wait_for_release(void *lock)
{
    pthread_mutex_lock(lock);
    pthread_mutex_unlock(lock);
    return NULL;
}

/* How many of `wanted` threads the system starts, this one included. OpenMP ends the program when it
 * cannot start a thread (ulimit -u, the pids limit of a container, no memory for a stack), so as
 * many are started here first, all alive at once. */
static int startable_threads(int wanted)
{
    pthread_t thread[PARALLEL_MOST_THREADS];
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    int started = 0;
    pthread_mutex_lock(&lock);
    while (started < wanted - 1 &&
           pthread_create(&thread[started], NULL, wait_for_release, &lock) == 0)
        started++;
    pthread_mutex_unlock(&lock);
    for (int i = 0; i < started; i++) pthread_join(thread[i], NULL);
    pthread_mutex_destroy(&lock);
    return started + 1;
}

/* Where the user has bound threads or chosen places (OMP_PROC_BIND, OMP_PLACES), the CPUs of this thread are not
 * those of all, and nothing follows from their cores. */
static void count_cpus(void)
{
    cpus = machine_cpus("");
    cores_find_cpus(&cores);
    cores_read(&cores, "");
    if (cores.cpus == cpus.allowed) cpus.cores = cores.cores;
}

/* threads: as asked, 0 for the default. *wish: before limits. */
static int decide_threads(int threads, int *wish, DecidedBy *by)
{
    static int started = 1; /* so many were seen to start */
    const char *environment = getenv("OMP_NUM_THREADS");
    pthread_once(&counted, count_cpus);
    *by = BY_CALLER;
    if (threads <= 0 && environment) {
        threads = atoi(environment);
        *by = BY_ENVIRONMENT;
    }
    if (threads <= 0) {
        threads = machine_threads(&cpus);
        *by = BY_MACHINE;
    }
    if (threads > PARALLEL_MOST_THREADS) threads = PARALLEL_MOST_THREADS;
    *wish = threads;
    if (threads > omp_get_thread_limit()) {
        threads = omp_get_thread_limit();
        *by = BUILT_WITH_OPENMP ? BY_LIMIT : BY_BUILD;
    }
    if (threads > __atomic_load_n(&started, __ATOMIC_RELAXED)) {
        int possible = startable_threads(threads);
        if (possible < threads) *by = BY_SYSTEM;
        threads = possible;
        if (possible > started) __atomic_store_n(&started, possible, __ATOMIC_RELAXED);
    }
    return threads;
}

void parallel_set_threads(int threads)
{
    threads = decide_threads(threads, &wished, &decided_by);
    __atomic_store_n(&max_threads, threads, __ATOMIC_RELAXED);
    omp_set_dynamic(0);
    omp_set_max_active_levels(1);
    omp_set_num_threads(threads);
}

/* Returns what it was. */
static bool flush_in_this_thread(bool on)
{
#if defined(__SSE2__)
    const unsigned flush = 0x8040; /* of results, of operands */
    unsigned control = _mm_getcsr();
    _mm_setcsr(on ? control | flush : control & ~flush);
    return (control & flush) != 0;
#elif defined(__aarch64__)
    const uint64_t flush = UINT64_C(1) << 24;
    uint64_t control, changed;
    __asm__ volatile("mrs %0, fpcr" : "=r"(control));
    changed = on ? control | flush : control & ~flush;
    __asm__ volatile("msr fpcr, %0" : : "r"(changed));
    return (control & flush) != 0;
#else
    (void)on;
    return false;
#endif
}

bool parallel_flush_subnormals(bool on)
{
    bool before = flush_in_this_thread(on);
#pragma omp parallel num_threads(parallel_threads())
    flush_in_this_thread(on);
    return before;
}

int parallel_threads(void)
{
    if (neighbours > 1 || one_inside) return 1;
    int threads = __atomic_load_n(&max_threads, __ATOMIC_RELAXED);
    if (threads > 0) return threads;
    /* The number is kept, because scratch that is sized now is used later. If two threads come at
     * once, both get the same number. */
    int none = 0, wish;
    DecidedBy by;
    threads = decide_threads(0, &wish, &by);
    bool kept = __atomic_compare_exchange_n(&max_threads, &none, threads, false, __ATOMIC_RELAXED,
                                            __ATOMIC_RELAXED);
    if (kept) {
        decided_by = by;
        wished = wish;
    }
    return kept ? threads : none;
}

bool parallel_describe(char *out, size_t size)
{
    static const char *const reasons[] = {
        [BY_CALLER] = "as asked",
        [BY_ENVIRONMENT] = "OMP_NUM_THREADS",
        [BY_BUILD] = "this diffc was built without OpenMP",
        [BY_LIMIT] = "OMP_THREAD_LIMIT",
        [BY_SYSTEM] = "the system starts no more (ulimit -u, the pids limit of a control group, or "
                      "memory for their stacks)"};
    char why[160];
    int threads = parallel_threads();
    if (decided_by != BY_MACHINE)
        snprintf(why, sizeof why, "%s", reasons[decided_by]);
    else
        machine_threads_reason(&cpus, why, sizeof why);
    bool cut = threads < wished;
    if (cut)
        snprintf(out, size, "%d instead of %d: %s", threads, wished, why);
    else if (threads < cpus.online)
        snprintf(out, size, "%d of %d CPUs: %s", threads, cpus.online, why);
    else
        snprintf(out, size, "%d", threads);
    return !cut;
}

/* With as many threads as CPUs or cores each thread gets one of its own: left alone, Linux was seen to keep
 * both threads of a team on one of two cores, where every wait of one takes the time of the other
 * (sampling one image at a time fell to a seventh). Any other number of threads may move freely. */
void parallel_run_in_place(int thread, int threads)
{
    bool own_cpu = threads > 1 && threads == cores.cpus;
    bool own_core = threads > 1 && threads == cores.cores;
    cores_run_on(&cores, own_cpu ? thread : -1, own_core && !own_cpu ? thread : -1);
}

bool parallel_may_place(void)
{
    return omp_get_proc_bind() == omp_proc_bind_false; /* else OMP_PROC_BIND says where */
}

void parallel_bind_threads(void)
{
    int threads = parallel_threads();
    if (!parallel_may_place()) return;
#pragma omp parallel num_threads(threads)
    parallel_run_in_place(omp_get_thread_num(), threads);
}

int parallel_cores(int *allowed)
{
    pthread_once(&counted, count_cpus);
    *allowed = cpus.allowed;
    return cpus.cores > 0 ? cpus.cores : cpus.allowed;
}

double parallel_usable_cpus(void)
{
    pthread_once(&counted, count_cpus);
    return fmin(parallel_threads(), fmin(cpus.allowed, cpus.quota));
}

int parallel_siblings(void)
{
    int count = 1;
    pthread_once(&counted, count_cpus);
    if (cpus.cores == 0) return 1;
    while (cores_cpu_of(&cores, cores_first_shared(&cores), count) >= 0) count++;
    return count;
}

bool parallel_gain_decides(void)
{
    return parallel_siblings() > 1 && cpus.gain == 0 && !getenv("OMP_NUM_THREADS") &&
           machine_threads(&cpus) > cpus.cores;
}

void parallel_run_on_sibling(int thread, int threads)
{
    (void)threads;
    cores_run_on(&cores, cores_cpu_of(&cores, cores_first_shared(&cores), thread), -1);
}

void parallel_set_gain(double gain)
{
    cpus.gain = gain;
}

int parallel_thread(void)
{
    return neighbours > 1 ? 0 : omp_get_thread_num();
}

int parallel_neighbours(void)
{
    return neighbours;
}

static void run_in_one_thread(ParallelWork work, void *context, int item)
{
    int threads = parallel_threads();
    one_inside = true;
    omp_set_num_threads(1);
    work(context, item, 0);
    omp_set_num_threads(threads);
    one_inside = false;
}

static void run_inside(ParallelInside *inside, ParallelWork work, void *context, int item)
{
    enum { COMPARED = 4, MOST_WAIT = 256 };
    int place = inside->runs++ - inside->wait; /* 0 .. COMPARED-1 within a comparison */
    bool one = inside->one_thread != (place >= 0 && place % 2 == 1);
    double start = clock_seconds(), seconds;
    if (one)
        run_in_one_thread(work, context, item);
    else
        work(context, item, 0);
    seconds = clock_seconds() - start;
    if (place < 0) return;
    if (place < 2 || seconds < inside->seconds[one]) inside->seconds[one] = seconds;
    if (place < COMPARED - 1) return;
    bool change = inside->seconds[!inside->one_thread] < .97 * inside->seconds[inside->one_thread];
    if (change) inside->one_thread = !inside->one_thread;
    inside->wait = change || inside->wait == 0 ? COMPARED : 4 * inside->wait;
    if (inside->wait > MOST_WAIT) inside->wait = MOST_WAIT;
    inside->runs = 0;
}

void parallel_side_by_side(int count, int copies, ParallelInside *inside, ParallelWork work,
                           void *context)
{
    int threads = parallel_threads(), together = 0;
    if (threads > 1 && threads <= copies) together = count - count % threads;
    if (together > 0) {
#pragma omp parallel for num_threads(threads) schedule(dynamic)
        for (int item = 0; item < together; item++) {
            neighbours = threads;
            work(context, item, omp_get_thread_num());
            neighbours = 1;
        }
    }
    for (int item = together; item < count; item++) {
        if (inside && threads > 1)
            run_inside(inside, work, context, item);
        else
            work(context, item, 0);
    }
}
