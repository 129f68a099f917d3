#include <math.h>

#include "diffusion/sampler_walk.h"

/* Euler-Maruyama on dx = (f x - g^2 score) dt + g dW, backwards (Song et al. 2021, eq. 6):
 *   x_mean = x - (f x - g^2 score) dt,   x = x_mean + g sqrt(dt) z,   score = -eps / sigma
 * with eps that of the clipped x0 where the run clips: far up, where alpha is small, a small error
 * of eps is a large one of the image. The last step keeps x_mean. SMLD and VE are never clean where
 * their diffusion ends, at sigma_min, so their last step takes all of the noise out:
 * x_mean = x + sigma^2 score. */
void reverse_sde_down(const Walk *w, int step, double *x, const double *eps, double *z)
{
    const Process *p = w->run->process;
    NoiseLevel level = walk_level(w, step), next = walk_next(w, step);
    bool last = step + 1 == w->run->grid->n;
    bool only_adds = p->kind == PROCESS_SMLD || p->kind == PROCESS_VE;
    Drift drift = process_drift(p, level.time);
    double dt = level.time - next.time, diffused = drift.g2 * dt;
    if (last && only_adds) diffused = level.sigma * level.sigma - next.sigma * next.sigma;
    double along_x = 1 - drift.f * dt, along_eps = -diffused / level.sigma;
    double std = last ? 0 : sqrt(diffused);
    if (std > 0) walk_draw(w, (uint64_t)step + 1, z);
    size_t n = walk_values(w);
#pragma omp parallel for schedule(static) if (n >= WALK_PARALLEL_FROM)
    for (size_t i = 0; i < n; i++) {
        double noise = std > 0 ? std * z[i] : 0;
        x[i] = along_x * x[i] + along_eps * clip_eps(w->run, level, x[i], eps[i]) + noise;
    }
}
