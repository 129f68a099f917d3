/* Denoisers known in closed form. With data N(m, s^2 I) the noised density at a level is
 * N(alpha m, v I), v = alpha^2 s^2 + sigma^2, so score = -(x - alpha m) / v and, as always,
 * eps = -sigma score. A mixture stays a mixture. */
#include <math.h>

#include "diffc/denoiser.h"

static const double TWO_PI = 6.28318530717958647692;

static bool all_finite(const double *eps, size_t n, double t, Err *err)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(eps[i]))
            return err_set(
                err, ERR_DIVERGED,
                "the exact denoiser gives %g at value %zu of the batch, timestep %g; its "
                "input must be finite",
                eps[i], i, t);
    return true;
}

static double noised_variance(NoiseLevel level, double std)
{
    double spread = level.alpha * std;
    return spread * spread + level.sigma * level.sigma;
}

static bool gaussian_predict(void *context, int count, const double *x, const NoiseLevel *levels,
                             int stride, double *eps, Err *err)
{
    const GaussianData *data = context;
    for (int image = 0; image < count; image++, x += data->dims, eps += data->dims) {
        NoiseLevel level = levels[image * stride];
        double scale = level.sigma / noised_variance(level, data->std);
        double centre = level.alpha * data->mean;
        for (size_t i = 0; i < data->dims; i++) eps[i] = scale * (x[i] - centre);
        if (!all_finite(eps, data->dims, level.t, err)) return false;
    }
    return true;
}

Denoiser gaussian_denoiser(const GaussianData *data)
{
    return (Denoiser){.context = (void *)data, .dims = data->dims, .predict = gaussian_predict};
}

/* ln(w_k N(x; alpha m_k, v_k I)) */
static double mode_log_density(const MixtureData *data, int k, const double *x, NoiseLevel level)
{
    const double *mean = data->means + (size_t)k * data->dims;
    double variance = noised_variance(level, data->stds[k]), square = 0;
    for (size_t d = 0; d < data->dims; d++) {
        double distance = x[d] - level.alpha * mean[d];
        square += distance * distance;
    }
    return log(data->weights[k]) -
           0.5 * ((double)data->dims * log(TWO_PI * variance) + square / variance);
}

/* eps = sum_k r_k sigma (x - alpha m_k) / v_k, r_k the responsibilities. One pass: the sums are kept
 * relative to the largest log density so far, so they neither underflow far from every mode nor
 * need room for one number per mode. */
static void mixture_predict_one(const MixtureData *data, const double *x, NoiseLevel level,
                                double *eps)
{
    double largest = -HUGE_VAL, total = 0;
    for (size_t d = 0; d < data->dims; d++) eps[d] = 0;
    for (int k = 0; k < data->modes; k++) {
        if (data->weights[k] <= 0) continue;
        const double *mean = data->means + (size_t)k * data->dims;
        double density = mode_log_density(data, k, x, level);
        if (density > largest) {
            double shrink = exp(largest - density);
            total *= shrink;
            for (size_t d = 0; d < data->dims; d++) eps[d] *= shrink;
            largest = density;
        }
        double share = exp(density - largest);
        double scale = share * level.sigma / noised_variance(level, data->stds[k]);
        total += share;
        for (size_t d = 0; d < data->dims; d++) eps[d] += scale * (x[d] - level.alpha * mean[d]);
    }
    for (size_t d = 0; d < data->dims; d++) eps[d] /= total;
}

static bool mixture_predict(void *context, int count, const double *x, const NoiseLevel *levels,
                            int stride, double *eps, Err *err)
{
    const MixtureData *data = context;
#pragma omp parallel for schedule(static) if (count >= 256)
    for (int image = 0; image < count; image++) {
        size_t at = (size_t)image * data->dims;
        mixture_predict_one(data, x + at, levels[image * stride], eps + at);
    }
    return all_finite(eps, (size_t)count * data->dims, levels[0].t, err);
}

Denoiser mixture_denoiser(const MixtureData *data)
{
    return (Denoiser){.context = (void *)data, .dims = data->dims, .predict = mixture_predict};
}
