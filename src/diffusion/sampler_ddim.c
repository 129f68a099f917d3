#include <math.h>

#include "diffusion/sampler_walk.h"

/* Song, Meng & Ermon 2021, eq. 12 and 16:
 *   x0 = clip((x - sigma eps) / alpha),   eps = (x - alpha x0) / sigma where x0 was clipped
 *   s  = eta sqrt(variance of ddpm, small)
 *   x_p = alpha_p x0 + sqrt(sigma_p^2 - s^2) eps + s z
 * At the clean end s = 0 and the step returns x0. With eta 1 it is ddpm, small variance. */
void ddim_down(const Walk *w, int step, double *x, const double *eps, double *z)
{
    const SampleRun *run = w->run;
    NoiseLevel level = walk_level(w, step), next = walk_next(w, step);
    double s = run->config.eta * sqrt(posterior_step(level, next).variance_small);
    double along_x0 = next.alpha, along_eps = sqrt(fmax(next.sigma * next.sigma - s * s, 0));
    if (s > 0) walk_draw(w, (uint64_t)step + 1, z);
    size_t n = walk_values(w);
#pragma omp parallel for schedule(static) if (n >= WALK_PARALLEL_FROM)
    for (size_t i = 0; i < n; i++) {
        double free_x0 = x0_from_eps(level, x[i], eps[i]);
        double x0 = clip_x0(run, free_x0), direction = eps[i];
        if (x0 != free_x0) direction = eps_from_prediction(PREDICT_X0, level, x[i], x0);
        double noise = s > 0 ? s * z[i] : 0;
        x[i] = along_x0 * x0 + along_eps * direction + noise;
    }
}
