#include <math.h>

#include "diffusion/sampler_walk.h"

/* Predictor-corrector sampling (Song et al. 2021, algorithm 1 and appendix G), correctors first:
 *   corrector: x += e score + sqrt(2e) z,   e = 2 a (snr |z| / |score|)^2
 *   predictor: x = x_mean + std z
 * with score = -eps / sigma, r = alpha_t / alpha_p and, for one step of the chain from p to t,
 * x_t = r x_p + G z, G^2 = sigma_t^2 - r^2 sigma_p^2:
 *   reverse diffusion: x_mean = (2 - r) x + G^2 score,   std = G
 *   ancestral:         x_mean = (x + G^2 score) / r,     std = G sigma_p / sigma_t
 * The second is the mean and the small variance of the posterior step. a = r^2 (1 - beta of DDPM;
 * 1 for SMLD and VE). The norms are of one image, so that it does not depend on its batch. Of few
 * values they say little: |score| is near 0 by chance, e is then far too large, and its dependence on
 * z and x spreads the images. Below NORMS_FROM values |z| / |score| is therefore taken as sigma, what
 * it is for pure noise (the corrector of annealed Langevin dynamics, algorithm 5 there). The very
 * last step adds no noise. */
enum { NORMS_FROM = 16 };

int pc_levels(const SampleRun *run, int calls)
{
    int cost = run->config.corrector_steps + (run->config.predictor != PREDICTOR_NONE);
    return calls / (cost > 0 ? cost : 1);
}

static double norm(const double *values, size_t n)
{
    double squares = 0;
    for (size_t i = 0; i < n; i++) squares += values[i] * values[i];
    return sqrt(squares);
}

/* e of one image. Where the score is 0 there is nothing to step along, and no scale for noise. */
static double corrector_step(const SampleRun *run, double a, NoiseLevel level, const double *eps,
                             const double *z, size_t dims)
{
    double ratio = level.sigma;
    if (dims >= NORMS_FROM) {
        double score = norm(eps, dims) / level.sigma;
        if (score == 0) return 0;
        ratio = norm(z, dims) / score;
    }
    return 2 * a * (run->config.snr * ratio) * (run->config.snr * ratio);
}

static void correct(const Walk *w, int step, bool noisy, double *x, const double *eps,
                    const double *z)
{
    NoiseLevel level = walk_level(w, step), next = walk_next(w, step);
    double r = level.alpha / next.alpha;
    size_t dims = w->denoiser->dims;
#pragma omp parallel for schedule(static) if (walk_values(w) >= WALK_PARALLEL_FROM)
    for (int image = 0; image < w->count; image++) {
        size_t at = (size_t)image * dims;
        double e = corrector_step(w->run, r * r, level, eps + at, z + at, dims);
        double along_eps = -e / level.sigma, std = noisy ? sqrt(2 * e) : 0;
        for (size_t i = at; i < at + dims; i++)
            x[i] += along_eps * clip_eps(w->run, level, x[i], eps[i]) + std * z[i];
    }
}

static void predict(const Walk *w, int step, bool noisy, double *x, const double *eps,
                    const double *z)
{
    NoiseLevel level = walk_level(w, step), next = walk_next(w, step);
    PosteriorStep q = posterior_step(level, next);
    double r = level.alpha / next.alpha, added = q.variance_large;
    bool ancestral = w->run->config.predictor == PREDICTOR_ANCESTRAL;
    double along_x = ancestral ? 1 / r : 2 - r, along_score = ancestral ? added / r : added;
    double along_eps = -along_score / level.sigma;
    double std = noisy ? sqrt(ancestral ? q.variance_small : added) : 0;
    size_t n = walk_values(w);
#pragma omp parallel for schedule(static) if (n >= WALK_PARALLEL_FROM)
    for (size_t i = 0; i < n; i++) {
        double noise = noisy ? std * z[i] : 0;
        x[i] = along_x * x[i] + along_eps * clip_eps(w->run, level, x[i], eps[i]) + noise;
    }
}

bool pc_walk(Walk *w, double *x, double *scratch)
{
    SampleRun *run = w->run;
    bool predicts = run->config.predictor != PREDICTOR_NONE;
    double *eps = scratch, *z = scratch + walk_values(w);
    int n = run->grid->n;
    if (!predicts && run->config.corrector_steps < 1)
        return err_set(w->err, ERR_USAGE,
                       "sampler pc: the number of corrector steps is %d; it must be 1 or more "
                       "without predictor",
                       run->config.corrector_steps);
    run->expected_calls = (long)n * (run->config.corrector_steps + predicts);
    uint64_t draw = 0;
    for (int step = 0; step < n; step++) {
        NoiseLevel level = walk_level(w, step);
        for (int k = 0; k < run->config.corrector_steps; k++) {
            bool last = step + 1 == n && !predicts && k + 1 == run->config.corrector_steps;
            if (!walk_predict(w, step, x, level, eps)) return false;
            walk_draw(w, ++draw, z);
            correct(w, step, !last, x, eps, z);
            if (!walk_check(w, step, x)) return false;
        }
        if (!predicts) continue;
        bool last = step + 1 == n;
        if (!walk_predict(w, step, x, level, eps)) return false;
        if (!last) walk_draw(w, ++draw, z);
        predict(w, step, !last, x, eps, z);
        if (!walk_check(w, step, x)) return false;
    }
    return true;
}
