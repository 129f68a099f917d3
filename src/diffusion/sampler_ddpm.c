#include <math.h>

#include "diffusion/sampler_walk.h"

/* Ho et al. 2020, algorithm 2, on any grid (Nichol & Dhariwal 2021, section 4):
 *   x_p = c_x0 x0 + c_x x + sqrt(variance) z,   x0 = clip((x - sigma eps) / alpha)
 * without noise on the last step, whatever timestep it starts from. The variance may be each value's
 * own. */
static void chain_down(const Walk *w, int step, double *x, const double *eps, double *z,
                       VarianceKind variance, bool clip)
{
    const SampleRun *run = w->run;
    NoiseLevel level = walk_level(w, step), next = walk_next(w, step);
    PosteriorStep q = posterior_step(level, next);
    double std = sqrt(variance == VARIANCE_LARGE ? q.variance_large : q.variance_small);
    if (step + 1 == run->grid->n) std = 0;
    bool learned = w->v && std > 0;
    if (std > 0) walk_draw(w, (uint64_t)step + 1, z);
    size_t n = walk_values(w);
#pragma omp parallel for schedule(static) if (n >= WALK_PARALLEL_FROM)
    for (size_t i = 0; i < n; i++) {
        double x0 = x0_from_eps(level, x[i], eps[i]);
        if (clip) x0 = clip_x0(run, x0);
        double own = learned ? sqrt(learned_variance(q, w->v[i])) : std;
        double noise = own > 0 ? own * z[i] : 0;
        x[i] = q.c_x0 * x0 + q.c_x * x[i] + noise;
    }
}

static void ddpm_down(const Walk *w, int step, double *x, const double *eps, double *z)
{
    chain_down(w, step, x, eps, z, w->run->config.variance, true);
}

bool ddpm_walk(Walk *w, double *x, double *scratch)
{
    if (w->run->config.variance == VARIANCE_LEARNED) {
        if (!w->denoiser->predict_variance)
            return err_set(
                w->err, ERR_USAGE,
                "sampler ddpm: the variance is to be the learned one, but this model has "
                "learnt none; small and large are fixed ones");
        /* walk_down's eps comes first, then the one draw of z that ddpm_down takes. */
        w->v = scratch + 2 * walk_values(w);
    }
    return walk_down(w, ddpm_down, x, scratch);
}

/* Song et al. 2021, eq. 4 and appendix F, for sigma_t = s_i, sigma_p = s_{i-1} and alpha 1:
 *   x_{i-1} = x_i + (s_i^2 - s_{i-1}^2) score + sqrt(s_{i-1}^2 (s_i^2 - s_{i-1}^2) / s_i^2) z
 * which is the posterior step of small variance with x0 = x + sigma^2 score, never clipped: a score
 * model's x0 has no range of its own. */
void ancestral_down(const Walk *w, int step, double *x, const double *eps, double *z)
{
    chain_down(w, step, x, eps, z, VARIANCE_SMALL, false);
}
