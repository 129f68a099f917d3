/* Noise schedules of the discrete-time, variance-preserving family (DDPM). Tables are double. Index
 * t = 0 .. T-1 means t+1 applications of noise; alpha_bar(-1) = 1. */
#ifndef DIFFC_SCHEDULE_H
#define DIFFC_SCHEDULE_H

#include "base/err.h"
#include "diffusion/denoiser.h"

typedef struct {
    int T;
    double *beta;      /* [T] */
    double *alpha_bar; /* [T], running product of 1 - beta */
} Schedule;

/* linear and scaled_linear read beta_start <= beta_end, both in (0, 1); SCHEDULE_BETAS reads betas
 * (T values in (0, 1)) and copies them; cosine and unif read neither. ERR_USAGE for values out of
 * range and for a table whose alpha_bar does not fall strictly within (0, 1); *s is then empty. Freeing an
 * empty or zeroed schedule is harmless. */
bool schedule_make(Schedule *s, ScheduleKind kind, int T, double beta_start, double beta_end,
                   const double *betas, Err *err);
void schedule_free(Schedule *s);

/* betas[T] of the schedule whose ln SNR lambda_t = ln(alpha_bar / (1 - alpha_bar)) falls evenly from
 * start > end to end: alpha_bar_t = 1 / (1 + exp(-lambda_t)), and without cancellation at either end
 *   beta_t = (1 - exp(lambda_t - lambda_{t-1})) / (1 + exp(lambda_t)),   lambda_{-1} = infinity
 * Its terms of the bound are equal multiples of the plain squared error of the noise, so L_simple is
 * the bound up to constants. SCHEDULE_LOGSNR itself is no kind for schedule_make: a model keeps these
 * betas. */
void schedule_logsnr_betas(double *betas, int T, double start, double end);

/* alpha_bar at t, 1 for t < 0. */
double schedule_alpha_bar(const Schedule *s, int t);

/* alpha = sqrt(alpha_bar), sigma = sqrt(1 - alpha_bar), t: q(x_t | x0) (Ho et al. 2020, eq. 4). */
NoiseLevel schedule_level(const Schedule *s, int t);

#endif
