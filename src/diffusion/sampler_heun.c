#include <math.h>

#include "diffusion/sampler_walk.h"

/* Karras et al. 2022, algorithm 2, with S_min 0, S_max infinite and S_noise 1. In y = x / alpha and
 * s = sigma / alpha the noise of any process is s eps, and the probability flow dy/ds = eps:
 *   churn    s^ = s (1 + gamma), gamma = min(S_churn / n, sqrt(2) - 1);  y^ = y + sqrt(s^^2 - s^2) z
 *   Euler    y' = y^ + (s' - s^) d,  d = eps(y^, s^)
 *   Heun     y' = y^ + (s' - s^) (d + d') / 2,  d' = eps(y', s');  not where s' is 0
 * A clipped x0 stands for the eps that leads to it. */

int heun_levels(const SampleRun *run, int calls)
{
    (void)run;
    return (calls + 1) / 2;
}

static double noise_of(NoiseLevel level)
{
    return level.sigma / level.alpha;
}

/* The level that churn raises a level to: between the grid's, and not above the noisiest. */
static NoiseLevel churned(const Walk *w, NoiseLevel level)
{
    const SampleRun *run = w->run;
    double gamma = fmin(run->config.churn / run->grid->n, sqrt(2) - 1);
    if (gamma <= 0) return level;
    double time = process_time_of_logsnr(run->process, level_logsnr(level) - log1p(gamma));
    NoiseLevel raised = process_level(run->process, time);
    return noise_of(raised) > noise_of(level) ? raised : level;
}

static void add_noise(const Walk *w, int step, NoiseLevel from, NoiseLevel to, double *x, double *z)
{
    double s = noise_of(from), raised = noise_of(to);
    if (!(raised > s)) return;
    double along_x = to.alpha / from.alpha, along_z = to.alpha * sqrt(raised * raised - s * s);
    size_t n = walk_values(w);
    walk_draw(w, (uint64_t)step + 1, z);
#pragma omp parallel for schedule(static) if (n >= WALK_PARALLEL_FROM)
    for (size_t i = 0; i < n; i++) x[i] = along_x * x[i] + along_z * z[i];
}

/* next = Euler's step from x; eps becomes d. At the clean end it is x0 itself. */
static void euler(const Walk *w, NoiseLevel level, NoiseLevel to, const double *x, double *eps,
                  double *next)
{
    size_t n = walk_values(w);
#pragma omp parallel for schedule(static) if (n >= WALK_PARALLEL_FROM)
    for (size_t i = 0; i < n; i++) {
        double x0 = clip_x0(w->run, x0_from_eps(level, x[i], eps[i]));
        eps[i] = eps_of_x0(level, x[i], eps[i], x0);
        next[i] = to.alpha * x0 + to.sigma * eps[i];
    }
}

/* x = the step along the mean of d and the direction at Euler's `next`. */
static void heun(const Walk *w, NoiseLevel level, NoiseLevel to, double *x, const double *d,
                 const double *next, const double *eps)
{
    double along_x = to.alpha / level.alpha;
    double along_d = 0.5 * to.alpha * (noise_of(to) - noise_of(level));
    size_t n = walk_values(w);
#pragma omp parallel for schedule(static) if (n >= WALK_PARALLEL_FROM)
    for (size_t i = 0; i < n; i++) {
        double x0 = clip_x0(w->run, x0_from_eps(to, next[i], eps[i]));
        x[i] = along_x * x[i] + along_d * (d[i] + eps_of_x0(to, next[i], eps[i], x0));
    }
}

static bool step_down(const Walk *w, int step, double *x, double *scratch)
{
    size_t n = walk_values(w);
    double *d = scratch, *next = scratch + n, *eps = scratch + 2 * n;
    NoiseLevel to = walk_next(w, step), level = churned(w, walk_level(w, step));
    add_noise(w, step, walk_level(w, step), level, x, eps);
    if (!walk_predict(w, step, x, level, d)) return false;
    if (!(to.sigma > 0)) {
        euler(w, level, to, x, d, x);
    } else {
        euler(w, level, to, x, d, next);
        if (!walk_predict(w, step, next, to, eps)) return false;
        heun(w, level, to, x, d, next, eps);
    }
    return walk_check(w, step, x);
}

bool heun_walk(Walk *w, double *x, double *scratch)
{
    int n = w->run->grid->n;
    w->run->expected_calls = 2L * n - !(walk_level(w, n).sigma > 0);
    for (int step = 0; step < n; step++)
        if (!step_down(w, step, x, scratch)) return false;
    return true;
}
