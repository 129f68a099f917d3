#include <math.h>

#include "diffusion/likelihood.h"

ChainStep chain_step(const Process *p, int t)
{
    ChainStep step = {.decoder = t == 0,
                      .q = posterior_step(process_level(p, t), process_level(p, t - 1))};
    if (t == 0)
        step.q.variance_small =
            posterior_step(process_level(p, 1), process_level(p, 0)).variance_small;
    return step;
}

double chain_step_cost(const ChainStep *s, double x0, double guess, double variance, double *slope)
{
    const PosteriorStep *q = &s->q;
    if (!s->decoder) {
        double distance = q->c_x0 * (x0 - guess);
        /* Of (small / variance - 1 - ln(small / variance) + distance^2 / variance) / 2. */
        if (slope) *slope = 0.5 * (1 - (q->variance_small + distance * distance) / variance);
        return gaussian_kl(q->c_x0 * x0, q->variance_small, q->c_x0 * guess, variance);
    }
    double by_log_std = 0, std = sqrt(variance);
    double cost = slope ? -decoder_log_probability_slope(&model_pixels, x0, guess, std, &by_log_std)
                        : -decoder_log_probability(&model_pixels, x0, guess, std);
    if (slope) *slope = -0.5 * by_log_std;
    return cost;
}
