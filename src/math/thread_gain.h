/* How many times as much several threads compute as one: 2 on two cores, 1 on two threads of one core (hyper-threads),
 * which share its multipliers. Measured in multiply-adds, of which matrix products and convolutions consist. */
#ifndef DIFFC_THREAD_GAIN_H
#define DIFFC_THREAD_GAIN_H

/* Starts so many threads, puts each in its place and measures for `rounds` times 2.4 ms, or fewer
 * once the result is `enough`; 0: the system does not
 * start them. Each figure is the best of short slices, for what disturbs can only slow. */
typedef void (*ThreadPlace)(int thread, int threads); /* parallel_run_in_place or _on_sibling */
double thread_gain(int threads, int rounds, double enough, ThreadPlace place);

/* Where the default number of threads depends on it (parallel_gain_decides): measures, in at most 10 ms, what the CPUs of a core
 * compute together. Belongs before parallel_set_threads(0). */
void thread_gain_decide(void);

#endif
