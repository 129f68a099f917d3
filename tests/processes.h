/* One process of every kind, in the order of ProcessKind, for the tests that run over all of them, and
 * processes and schedules that live until the case ends. */
#ifndef DIFFC_TESTS_PROCESSES_H
#define DIFFC_TESTS_PROCESSES_H

#include "diffusion/process.h"
#include "test.h"

static const NoiseConfig every_process[] = {
    {.kind = PROCESS_DDPM,
     .T = 1000,
     .schedule = SCHEDULE_LINEAR,
     .beta_start = 1e-4,
     .beta_end = 0.02},
    {.kind = PROCESS_SMLD, .levels = 100, .sigma_min = 0.01, .sigma_max = 30},
    {.kind = PROCESS_VE, .sigma_min = 0.01, .sigma_max = 50, .time_min = 1e-5},
    {.kind = PROCESS_VP, .beta_min = 0.1, .beta_max = 20, .time_min = 1e-5},
    {.kind = PROCESS_SUBVP, .beta_min = 0.1, .beta_max = 20, .time_min = 1e-5},
};
enum { PROCESSES = sizeof every_process / sizeof *every_process };

static inline void process_at_end(void *what)
{
    process_free(what);
    free(what);
}

static inline Process *process_new(const NoiseConfig *config)
{
    Err err = {0};
    Process *p = malloc(sizeof *p);
    if (!p || !EXPECT_OK(process_make(p, config, &err), err)) abort();
    test_at_end(process_at_end, p);
    return p;
}

/* For a test that does not change it (process_keep). */
static inline Process process_of(const NoiseConfig *config)
{
    return *process_new(config);
}

/* The chain of T steps. */
static inline Process chain_of(int T)
{
    NoiseConfig config = every_process[PROCESS_DDPM];
    config.T = T;
    return process_of(&config);
}

/* The chain of T steps, however few, that ends in noise as 1,000 of the usual ones do. */
static inline Process whole_chain_of(int T)
{
    return process_of(&(NoiseConfig){.kind = PROCESS_DDPM,
                                     .T = T,
                                     .schedule = SCHEDULE_LINEAR,
                                     .beta_start = 0.1 / T,
                                     .beta_end = 20.0 / T});
}

/* m[T]: which of the T steps a spacing keeps. */
static inline void keep_spaced(unsigned char *m, SpacingKind spacing, int T, int K)
{
    Process p = chain_of(T);
    LevelGrid g;
    if (!EXPECT(level_grid_make(&g, &p, spacing, K, NULL))) abort();
    memset(m, 0, (size_t)T);
    for (int i = 0; i < K; i++) m[(int)g.level[i].time] = 1;
    level_grid_free(&g);
}

static inline void schedule_at_end(void *what)
{
    schedule_free(what);
    free(what);
}

static inline Schedule schedule_of(ScheduleKind kind, int T, double first, double last,
                                   const double *betas)
{
    Err err = {0};
    Schedule *s = malloc(sizeof *s);
    if (!s || !EXPECT_OK(schedule_make(s, kind, T, first, last, betas, &err), err)) abort();
    test_at_end(schedule_at_end, s);
    return *s;
}

#endif
