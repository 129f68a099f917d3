#include "diffc/parallel.h"

#include <omp.h>
#include <unistd.h>

static int max_threads = 1;

void parallel_set_threads(int threads)
{
    if (threads <= 0) {
        long online = sysconf(_SC_NPROCESSORS_ONLN);
        threads = online > 0 ? (int)(online < 256 ? online : 256) : 1;
    }
    max_threads = threads;
    omp_set_dynamic(0);
    omp_set_max_active_levels(1);
    omp_set_num_threads(threads);
}

int parallel_threads(void)
{
    return max_threads;
}

int parallel_thread(void)
{
    return omp_get_thread_num();
}
