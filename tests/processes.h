/* One process of every kind, in the order of ProcessKind, for the tests that run over all of them. */
#ifndef DIFFC_TESTS_PROCESSES_H
#define DIFFC_TESTS_PROCESSES_H

#include "diffusion/process.h"

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

#endif
