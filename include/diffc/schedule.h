/* Noise schedules of the discrete-time, variance-preserving family (DDPM), and step grids. Tables
 * are double. Index t = 0 .. T-1 means t+1 applications of noise; alpha_bar(-1) = 1. */
#ifndef DIFFC_SCHEDULE_H
#define DIFFC_SCHEDULE_H

#include "diffc/err.h"

typedef enum {
    SCHEDULE_LINEAR,        /* linspace(beta_start, beta_end, T) (Ho et al. 2020) */
    SCHEDULE_SCALED_LINEAR, /* linspace(sqrt beta_start, sqrt beta_end, T)^2 */
    SCHEDULE_COSINE,        /* Nichol & Dhariwal 2021, beta capped at 0.999 */
    SCHEDULE_BETAS,         /* given by the user */
} ScheduleKind;

typedef struct {
    int T;
    double *beta;      /* [T] */
    double *alpha_bar; /* [T], running product of 1 - beta */
} Schedule;

/* betas is read for SCHEDULE_BETAS only (T values in (0, 1)). ERR_USAGE for values out of range. */
bool schedule_make(Schedule *s, ScheduleKind kind, int T, double beta_start, double beta_end,
                   const double *betas, Err *err);
void schedule_free(Schedule *s);

/* alpha_bar at t, 1 for t < 0. */
double schedule_alpha_bar(const Schedule *s, int t);

/* The steps that a sampler visits, in descending order of noise. */
typedef enum {
    SPACING_EVEN,     /* Nichol & Dhariwal 2021: end points included, rounded half to even; one
                         step is T-1 */
    SPACING_LEADING,  /* (n-1 .. 0) * floor(T/n) */
    SPACING_TRAILING, /* round(T, T - T/n, ...) - 1 */
    SPACING_QUADRATIC, /* round(((T-1) * (i/(n-1))^2)), made distinct */
} SpacingKind;

typedef struct {
    int n;
    int *t; /* [n], strictly descending, in 0 .. T-1 */
} StepGrid;
/* 1 <= n <= T, else ERR_USAGE that names T. */
bool step_grid_make(StepGrid *g, SpacingKind kind, int T, int n, Err *err);
void step_grid_free(StepGrid *g);

#endif
