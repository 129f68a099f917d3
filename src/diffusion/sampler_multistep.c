/* Multistep solvers in lambda = ln(alpha / sigma) on predictions of x0, m: both follow
 *   x_p = (sigma_p / sigma) x + alpha_p (1 - exp(-h)) M,   h = lambda_p - lambda,
 * the exact step for a constant M, and differ in how M is guessed from the predictions so far. A
 * step to the clean end has no h, and returns m. */
#include <math.h>
#include <string.h>

#include "diffusion/sampler_walk.h"

/* One step between neighbours of the grid, as x_p = along_x x + along_m M. */
typedef struct {
    double h, along_x, along_m;
} Stride;

static Stride stride_of(const Walk *w, int step)
{
    NoiseLevel level = walk_level(w, step), next = walk_next(w, step);
    double h = level_logsnr(next) - level_logsnr(level);
    return (Stride){h, next.sigma / level.sigma, -next.alpha * expm1(-h)};
}

static bool ends_clean(const Walk *w, int step)
{
    return !(walk_next(w, step).sigma > 0);
}

/* m = clipped x0 of a prediction. */
static double data_of(const Walk *w, NoiseLevel level, double x, double eps)
{
    return clip_x0(w->run, x0_from_eps(level, x, eps));
}

/* DPM-Solver++(2M) (Lu et al. 2022, algorithm 2): M = m + (m - m_before) / (2 r), r = h_before / h;
 * first order, M = m, on the first step and on a step to the clean end. room: m_before. */
void dpmpp_2m_down(const Walk *w, int step, double *x, const double *eps, double *room)
{
    NoiseLevel level = walk_level(w, step);
    Stride s = stride_of(w, step);
    double lean = step == 0 || ends_clean(w, step) ? 0 : 0.5 * s.h / stride_of(w, step - 1).h;
    size_t n = walk_values(w);
#pragma omp parallel for schedule(static) if (n >= WALK_PARALLEL_FROM)
    for (size_t i = 0; i < n; i++) {
        double m = data_of(w, level, x[i], eps[i]);
        double guess = lean != 0 ? m + lean * (m - room[i]) : m;
        x[i] = s.along_x * x[i] + s.along_m * guess;
        room[i] = m;
    }
}

/* UniPC (Zhao et al. 2023, algorithm 1, data prediction, B_2(h) = 1 - exp(-h), order 2):
 *   M = m + a (m_before - m) / r + b (m_next - m),   r = -h_before / h
 * The predictor has a = 1/2, b = 0. The corrector makes the same step again once the next level's
 * prediction is there: a + b = c1 and a r + b = c2, c_k = phi_k k! / B. First order: a = 0, and
 * b = 1/2 of the corrector. */
typedef struct {
    double before, next;
} Lean;

static Lean unipc_corrector(const Walk *w, int step)
{
    if (step == 0) return (Lean){0, 0.5};
    double h = stride_of(w, step).h, r = -stride_of(w, step - 1).h / h;
    double growth = expm1(-h), phi1 = growth / -h - 1, phi2 = phi1 / -h - 0.5;
    double c1 = phi1 / growth, c2 = 2 * phi2 / growth;
    double a = (c1 - c2) / (1 - r);
    return (Lean){a / r, c1 - a};
}

/* room: x before the last step, as corrected, then m of the last level and of the one before. */
void unipc_down(const Walk *w, int step, double *x, const double *eps, double *room)
{
    NoiseLevel level = walk_level(w, step);
    size_t n = walk_values(w);
    double *from = room, *last = room + n, *before = room + 2 * n;
    Stride s = stride_of(w, step), past = step > 0 ? stride_of(w, step - 1) : s;
    Lean correct = step > 0 ? unipc_corrector(w, step - 1) : (Lean){0};
    bool first_order = step == 0 || step + 1 == w->run->grid->n;
    double lean = first_order ? 0 : -0.5 * s.h / past.h;
#pragma omp parallel for schedule(static) if (n >= WALK_PARALLEL_FROM)
    for (size_t i = 0; i < n; i++) {
        double m = data_of(w, level, x[i], eps[i]);
        if (step > 0) {
            double guess = last[i] + correct.next * (m - last[i]);
            if (step > 1) guess += correct.before * (before[i] - last[i]);
            x[i] = past.along_x * from[i] + past.along_m * guess;
        }
        from[i] = x[i];
        double guess = lean != 0 ? m + lean * (last[i] - m) : m;
        x[i] = s.along_x * x[i] + s.along_m * guess;
        before[i] = last[i];
        last[i] = m;
    }
}
