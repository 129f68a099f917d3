/* Threads: OpenMP for loops, one BLAS thread inside each. Work is split by shape, never by the
 * number of threads, and every sum has a fixed order, so 1, 2 and 8 threads give the same bits.
 * Loops write `#pragma omp parallel for` themselves; scratch is indexed by parallel_thread(). */
#ifndef DIFFC_PARALLEL_H
#define DIFFC_PARALLEL_H

/* Upper bound on threads, for scratch sizes. Set once at start (0: one per online CPU). */
void parallel_set_threads(int threads);
int parallel_threads(void);

/* Index of the calling thread in its team, 0 .. parallel_threads()-1. */
int parallel_thread(void);

#endif
