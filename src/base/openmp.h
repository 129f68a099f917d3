/* The calls of OpenMP that are in use. Without OpenMP (make OPENMP=no) the program has one thread: the
 * pragmas mean nothing, and these answer for a team of one. */
#ifndef DIFFC_OPENMP_H
#define DIFFC_OPENMP_H

#ifdef _OPENMP
#include <omp.h>
enum { BUILT_WITH_OPENMP = 1 };
#else
#include <unistd.h>

enum { BUILT_WITH_OPENMP = 0, omp_proc_bind_false = 0 };

static inline int omp_get_thread_num(void)
{
    return 0;
}

static inline int omp_get_num_threads(void)
{
    return 1;
}

static inline int omp_get_thread_limit(void)
{
    return 1;
}

static inline int omp_get_num_procs(void)
{
    return (int)sysconf(_SC_NPROCESSORS_ONLN);
}

static inline int omp_get_num_places(void)
{
    return 0;
}

static inline int omp_get_place_num_procs(int place)
{
    (void)place;
    return 0;
}

static inline int omp_get_proc_bind(void)
{
    return omp_proc_bind_false;
}

static inline void omp_set_dynamic(int on)
{
    (void)on;
}

static inline void omp_set_max_active_levels(int levels)
{
    (void)levels;
}

static inline void omp_set_num_threads(int threads)
{
    (void)threads;
}
#endif

#endif
