#include "math/thread_gain.h"

#include <math.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"
#include "base/machine.h"
#include "base/mem.h"
#include "base/parallel.h"
#include "math/vec.h"

enum {
    SLICES = 4,
    PIECE = 1000 /* rounds of multiply-adds between two looks at the clock: 3 us */
};
static const double slice_seconds = 0.0003;

typedef struct Team Team;

typedef struct {
    const Team *team;
    int index;
    long pieces;     /* done */
    char apart[128]; /* from the next thread's count, which another core writes */
} Worker;

struct Team {
    Worker *workers;
    int threads;
    ThreadPlace place;
    bool stop;
};

static void work_piece(Worker *w)
{
    volatile float sink = vec->multiply_adds(PIECE);
    (void)sink;
    __atomic_store_n(&w->pieces, w->pieces + 1, __ATOMIC_RELAXED);
}

static void *work(void *worker)
{
    Worker *w = worker;
    w->team->place(w->index, w->team->threads);
    while (!__atomic_load_n(&w->team->stop, __ATOMIC_RELAXED)) work_piece(w);
    return NULL;
}

static double pieces_done(const Team *t)
{
    double sum = 0;
    for (int i = 0; i < t->threads; i++)
        sum += (double)__atomic_load_n(&t->workers[i].pieces, __ATOMIC_RELAXED);
    return sum;
}

/* The first thread measures beside its work: a thread that did nothing else would take a CPU from the others. */
static double best_rate(Worker *first)
{
    double best = 0;
    for (int i = 0; i < SLICES; i++) {
        double begin = clock_seconds(), before = pieces_done(first->team), now;
        do {
            work_piece(first);
            now = clock_seconds();
        } while (now - begin < slice_seconds);
        best = fmax(best, (pieces_done(first->team) - before) / (now - begin));
    }
    return best;
}

typedef struct {
    Worker *worker;
    double rate;
} Measurement;

static void *measure(void *measurement)
{
    Measurement *m = measurement;
    Worker *w = m->worker;
    w->team->place(w->index, w->team->threads);
    m->rate = best_rate(w);
    return NULL;
}

/* Pieces a second of the first `threads` of the team's workers together; 0: they could not be started. */
static double team_rate(Worker *workers, int threads, ThreadPlace place)
{
    pthread_t thread[PARALLEL_MOST_THREADS], measuring;
    Team team = {.workers = workers, .threads = threads, .place = place};
    Measurement m = {.worker = workers};
    int started = 1;
    for (int i = 0; i < threads; i++) workers[i] = (Worker){.team = &team, .index = i};
    while (started < threads &&
           pthread_create(&thread[started], NULL, work, &workers[started]) == 0)
        started++;
    if (started == threads && pthread_create(&measuring, NULL, measure, &m) == 0)
        pthread_join(measuring, NULL);
    __atomic_store_n(&team.stop, true, __ATOMIC_RELAXED);
    for (int i = 1; i < started; i++) pthread_join(thread[i], NULL);
    return m.rate;
}

double thread_gain(int threads, int rounds, double enough, ThreadPlace place)
{
    double one = 0, all = 0;
    if (threads < 2) return 1;
    Worker *workers = mem_alloc((size_t)threads, sizeof *workers);
    for (int i = 0; workers && i < rounds; i++) {
        one = fmax(one, team_rate(workers, 1, place));
        all = fmax(all, team_rate(workers, threads, place));
        if (all >= enough * one) break;
    }
    mem_free(workers);
    return one > 0 ? all / one : 0;
}

void thread_gain_decide(void)
{
    /* Beside other work two threads may not run at the same time for milliseconds, which looks like one core. */
    enum { ROUNDS = 4 };
    if (parallel_gain_decides())
        parallel_set_gain(thread_gain(parallel_siblings(), ROUNDS, LEAST_GAIN_PERCENT / 100.0,
                                      parallel_run_on_sibling));
}
