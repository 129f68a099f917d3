#ifdef __linux__
#define _GNU_SOURCE /* cpu_set_t */
#endif
#include "diffc/parallel.h"

#include <omp.h>
#include <stdbool.h>
#include <unistd.h>

static int max_threads; /* 0: nobody has set it */
static _Thread_local int neighbours = 1;

#ifdef __linux__
#include <sched.h>

/* Where the process may run, as it was found at the first call. */
static cpu_set_t allowed;
static bool allowed_known;

static int allowed_cpu(int index)
{
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET(cpu, &allowed) && index-- == 0) return cpu;
    return -1;
}

/* With as many threads as CPUs each thread gets one of its own: left alone, Linux was seen to keep
 * both threads of a team on one of two cores, where every wait of one takes the time of the other
 * (sampling one image at a time fell to a seventh). Any other number of threads may move freely. */
static void place_threads(int threads)
{
    if (!allowed_known && sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
    allowed_known = true;
    bool own = threads > 1 && threads == CPU_COUNT(&allowed);
#pragma omp parallel num_threads(threads)
    {
        cpu_set_t set = allowed;
        if (own) {
            CPU_ZERO(&set);
            CPU_SET(allowed_cpu(omp_get_thread_num()), &set);
        }
        sched_setaffinity(0, sizeof set, &set);
    }
}
#else
static void place_threads(int threads)
{
    (void)threads;
}
#endif

static int default_threads(void)
{
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? (int)(online < 256 ? online : 256) : 1;
}

void parallel_set_threads(int threads)
{
    if (threads <= 0) threads = default_threads();
    __atomic_store_n(&max_threads, threads, __ATOMIC_RELAXED);
    omp_set_dynamic(0);
    omp_set_max_active_levels(1);
    omp_set_num_threads(threads);
    place_threads(threads);
}

int parallel_threads(void)
{
    if (neighbours > 1) return 1;
    int threads = __atomic_load_n(&max_threads, __ATOMIC_RELAXED);
    if (threads > 0) return threads;
    /* Kept, for scratch is measured now and used later. Who comes second finds the same. */
    int none = 0;
    threads = default_threads();
    bool kept = __atomic_compare_exchange_n(&max_threads, &none, threads, false, __ATOMIC_RELAXED,
                                            __ATOMIC_RELAXED);
    return kept ? threads : none;
}

int parallel_thread(void)
{
    return neighbours > 1 ? 0 : omp_get_thread_num();
}

int parallel_neighbours(void)
{
    return neighbours;
}

int parallel_set_neighbours(int count)
{
    int before = neighbours;
    neighbours = count;
    return before;
}

void parallel_side_by_side(int count, int copies, ParallelWork work, void *context)
{
    int threads = parallel_threads(), together = 0;
    if (threads > 1 && threads <= copies) together = count - count % threads;
    if (together > 0) {
#pragma omp parallel for num_threads(threads) schedule(dynamic)
        for (int item = 0; item < together; item++) {
            parallel_set_neighbours(threads);
            work(context, item, omp_get_thread_num());
            parallel_set_neighbours(1);
        }
    }
    for (int item = together; item < count; item++) work(context, item, 0);
}
