/* Annealed Langevin dynamics (Song & Ermon 2019, algorithm 1; 2020, algorithm 1). The state is
 * y = x / alpha, which every process noises as SMLD does, by s = sigma / alpha:
 *   a = step (s / s_smallest)^2,   y += a score + sqrt(2a) z,   score = -eps / s
 * some times at each level, and at the end once y + s^2 score, the mean of the clean image. */
#include <math.h>

#include "diffusion/sampler_walk.h"
#include "diffusion/smld_levels.h"

/* Neighbouring levels of a grid by default are at most this ratio apart: between those of Song &
 * Ermon 2020 for 784 dimensions (1.082) and twice its logarithm. */
static const double DEFAULT_RATIO = 1.1;

static double noise_ratio(NoiseLevel noisy, NoiseLevel clean)
{
    return exp(level_logsnr(clean) - level_logsnr(noisy));
}

static int default_levels(const Process *p)
{
    if (p->kind == PROCESS_SMLD) return p->T;
    NoiseLevel noisy = process_level(p, process_time_noisy(p));
    NoiseLevel clean = process_level(p, process_time_end(p));
    return 1 + (int)ceil(log(noise_ratio(noisy, clean)) / log(DEFAULT_RATIO));
}

int langevin_levels(const SampleRun *run, int calls)
{
    if (calls == 0) return default_levels(run->process);
    int steps = run->config.langevin_steps > 0 ? run->config.langevin_steps : 1;
    return (calls - 1) / steps;
}

int plain_langevin_levels(const SampleRun *run, int calls)
{
    (void)run;
    return calls - 1;
}

/* The mean ratio of neighbouring levels; of a grid that stays at one level, that of a grid by
 * default. */
static double ratio_of_levels(const SampleRun *run)
{
    const LevelGrid *grid = run->grid;
    const Process *p = run->process;
    double whole = noise_ratio(grid->level[0], grid->level[grid->n - 1]);
    int gaps = grid->n - 1;
    if (!(whole > 1)) {
        whole = noise_ratio(process_level(p, process_time_noisy(p)),
                            process_level(p, process_time_end(p)));
        gaps = default_levels(p) - 1;
    }
    return whole > 1 ? pow(whole, 1.0 / gaps) : DEFAULT_RATIO;
}

double langevin_step_of(const SampleRun *run)
{
    if (run->config.langevin_step > 0) return run->config.langevin_step;
    NoiseLevel last = run->grid->level[run->grid->n - 1];
    return langevin_step_size(run->config.langevin_steps, last.sigma / last.alpha,
                              ratio_of_levels(run));
}

/* eps at y, whose x = alpha y is put into `x`; y changes with x (walk_predict). */
static bool predict_at(const Walk *w, int step, double *y, double *x, double *eps)
{
    NoiseLevel level = walk_level(w, step);
    if (level.alpha == 1) return walk_predict(w, step, y, level, eps);
    size_t n = walk_values(w);
#pragma omp parallel for schedule(static) if (n >= WALK_PARALLEL_FROM)
    for (size_t i = 0; i < n; i++) x[i] = level.alpha * y[i];
    if (!walk_predict(w, step, x, level, eps)) return false;
    for (size_t i = 0; i < n && walk_replaces(w); i++) y[i] = x[i] / level.alpha;
    return true;
}

/* y += along_eps eps + std z */
static void move(const Walk *w, double *y, double along_eps, const double *eps, double std,
                 const double *z)
{
    size_t n = walk_values(w);
#pragma omp parallel for schedule(static) if (n >= WALK_PARALLEL_FROM)
    for (size_t i = 0; i < n; i++) y[i] += along_eps * eps[i] + (std > 0 ? std * z[i] : 0);
}

static bool dynamics(const Walk *w, int steps, double *y, double *scratch)
{
    const SampleRun *run = w->run;
    double *eps = scratch, *z = eps + walk_values(w), *x = z + walk_values(w);
    int n = run->grid->n;
    w->run->expected_calls = (long)n * steps + 1;
    NoiseLevel first = walk_level(w, 0), last = walk_level(w, n - 1);
    double smallest = last.sigma / last.alpha, unit = langevin_step_of(run);
    size_t values = walk_values(w);
    for (size_t i = 0; i < values && first.alpha != 1; i++) y[i] /= first.alpha;

    uint64_t draw = 0;
    for (int step = 0; step < n; step++) {
        NoiseLevel level = walk_level(w, step);
        double s = level.sigma / level.alpha, a = unit * (s / smallest) * (s / smallest);
        for (int k = 0; k < steps; k++) {
            if (!predict_at(w, step, y, x, eps)) return false;
            walk_draw(w, ++draw, z);
            move(w, y, -a / s, eps, sqrt(2 * a), z);
            if (!walk_check(w, step, y)) return false;
        }
    }
    if (!predict_at(w, n - 1, y, x, eps)) return false;
    move(w, y, -smallest, eps, 0, z);
    return walk_check(w, n - 1, y);
}

bool langevin_walk(Walk *w, double *x, double *scratch)
{
    return dynamics(w, w->run->config.langevin_steps, x, scratch);
}

/* One step at each position of a grid that stays at the cleanest level. */
bool plain_langevin_walk(Walk *w, double *x, double *scratch)
{
    return dynamics(w, 1, x, scratch);
}
