/* Probability flow (Song et al. 2021, eq. 13), dx/dt = f x + g^2 eps / (2 sigma), to a tolerance.
 * It is solved in the variables in which it has the same form for every process and bends least:
 *   z = x / sqrt(alpha^2 + sigma^2),  theta = atan(sigma / alpha)
 *   dz/dtheta = (eps - sin(theta) z) / cos(theta)
 * which is v of Salimans & Ho 2022 (z = cos x0 + sin eps, so dz/dtheta = cos eps - sin x0), and 0
 * for data of variance 1. Calls, measured: a mixture of 40 narrow modes at tolerance 1e-5 takes 92 to
 * 95 with any process (in time 104 to 185; in x / alpha over ln(sigma / alpha) 117 to 229), a U-Net
 * for Fashion-MNIST at 1e-3 takes 65 (82; 82). The last step is from the cleanest level to x0.
 *
 * Where the run clips, eps is that of the clipped x0: far up, where alpha is small, a small error of
 * eps is a large one of the image, and the flow of a network trained for minutes runs off to black
 * and white (VP, 8 images at 1e-4: 153 calls, 105 clipped). */
#include <math.h>
#include <stdio.h>

#include "diffusion/sampler_walk.h"

typedef struct {
    const Walk *walk;
    double *x; /* room for the network's input */
    int images[ODE_GROUP];
    NoiseLevel levels[ODE_GROUP];
} Flow;

int ode_levels(const SampleRun *run, int calls)
{
    (void)run, (void)calls;
    return 2;
}

static double length_of(NoiseLevel level)
{
    return hypot(level.alpha, level.sigma);
}

static double angle_of(NoiseLevel level)
{
    return atan2(level.sigma, level.alpha);
}

static NoiseLevel level_at(const Walk *w, double theta)
{
    const Process *p = w->run->process;
    return process_level(p, process_time_of_logsnr(p, -log(tan(theta))));
}

static bool velocity(void *context, int count, const OdeRow *rows, const double *z, double *dz,
                     Err *err)
{
    (void)err; /* the walk's */
    Flow *flow = context;
    const Walk *w = flow->walk;
    size_t dims = w->denoiser->dims, n = (size_t)count * dims;
    for (int r = 0; r < count; r++) {
        flow->images[r] = rows[r].image;
        flow->levels[r] = level_at(w, rows[r].time);
    }
#pragma omp parallel for schedule(static) if (n >= WALK_PARALLEL_FROM)
    for (size_t i = 0; i < n; i++) flow->x[i] = length_of(flow->levels[i / dims]) * z[i];
    WalkRows here = {.count = count, .levels = flow->levels, .stride = 1, .row = rows};
    denoiser_choose(w->denoiser, flow->images);
    bool ok = walk_predict_rows(w, &here, flow->x, dz);
    denoiser_choose(w->denoiser, NULL);
    if (!ok) return false;
#pragma omp parallel for schedule(static) if (n >= WALK_PARALLEL_FROM)
    for (int r = 0; r < count; r++) {
        double along_z = sin(rows[r].time), shorten = cos(rows[r].time);
        for (size_t i = (size_t)r * dims; i < (size_t)(r + 1) * dims; i++) {
            double eps = clip_eps(w->run, flow->levels[r], flow->x[i], dz[i]);
            dz[i] = (eps - along_z * z[i]) / shorten;
        }
    }
    return true;
}

static void name_time(const void *context, double theta, char *text, size_t size)
{
    const Flow *flow = context;
    const Walk *w = flow->walk;
    const char *word = process_is_discrete(w->run->process) ? "timestep" : "time";
    snprintf(text, size, "%s %.4g", word, level_at(w, theta).time);
}

static void scale(const Walk *w, double factor, double *x)
{
    size_t n = walk_values(w);
    for (size_t i = 0; i < n; i++) x[i] *= factor;
}

/* x from the first level of the grid to the last one that costs a call; *calls of the image that took
 * most. */
static bool flow_down(const Walk *w, double *x, double *scratch, long *calls)
{
    const SampleRun *run = w->run;
    NoiseLevel noisy = walk_level(w, 0), end = walk_level(w, run->grid->n - 1);
    *calls = 0;
    if (!(noisy.time > end.time)) return true;
    Flow flow = {.walk = w, .x = scratch};
    OdeProblem problem = {.name = "sampler ode",
                          .context = &flow,
                          .dims = w->denoiser->dims,
                          .derivative = velocity,
                          .name_time = name_time,
                          .from = angle_of(noisy),
                          .to = angle_of(end),
                          .rtol = run->config.tolerance,
                          .atol = run->config.tolerance,
                          .call_limit = run->config.call_limit,
                          .calls_kept = 1,
                          .most_calls = calls};
    scale(w, 1 / length_of(noisy), x);
    if (!ode_solve(&problem, w->count, x, scratch + walk_values(w), NULL, w->err)) return false;
    scale(w, length_of(end), x);
    return true;
}

enum { FEWEST_CALLS = 9 }; /* one step and the last one */

/* The option's range is wider: a solver needs an error below the value and its first step. */
static bool check_options(const Walk *w)
{
    const SampleConfig *c = &w->run->config;
    if (!(c->tolerance > 0 && c->tolerance < 1))
        return err_set(w->err, ERR_USAGE,
                       "sampler ode: the tolerance is %g; it must lie between 0 and 1",
                       c->tolerance);
    if (c->call_limit < FEWEST_CALLS)
        return err_set(w->err, ERR_USAGE,
                       "sampler ode: the limit is %d network call%s; it must be %d or more",
                       c->call_limit, c->call_limit == 1 ? "" : "s", FEWEST_CALLS);
    return true;
}

bool ode_walk(Walk *w, double *x, double *scratch)
{
    _Static_assert(ODE_ARRAYS + 1 <= SAMPLER_SCRATCH, "scratch of a sampler holds a solver's");
    SampleRun *run = w->run;
    if (!check_options(w)) return false;
    run->expected_calls = 0;
    long flow_calls;
    if (!flow_down(w, x, scratch, &flow_calls)) return false;
    int last = run->grid->n - 1;
    NoiseLevel level = walk_level(w, last), clean = walk_next(w, last);
    if (!walk_predict(w, last, x, level, scratch)) return false;
    run->network_calls = flow_calls + 1; /* groups of images were counted one after the other */
    size_t n = walk_values(w);
    for (size_t i = 0; i < n; i++) {
        double eps = clip_eps(run, level, x[i], scratch[i]);
        x[i] = clean.alpha * x0_from_eps(level, x[i], eps) + clean.sigma * eps;
    }
    return walk_check(w, last, x);
}
