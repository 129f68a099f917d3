/* Denoisers known in closed form. With data N(m, s^2 I) the noised density at a level is
 * N(alpha m, v I), v = alpha^2 s^2 + sigma^2, so score = -(x - alpha m) / v and, as always,
 * eps = -sigma score. A mixture stays a mixture. */
#include "exact_denoiser.h"

#include <math.h>

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

/* eps = sigma (x - alpha m) / v, whose Jacobian is sigma / v times the identity. */
static bool gaussian_predict_vjp(void *context, int count, const double *x,
                                 const NoiseLevel *levels, int stride, const double *v, double *eps,
                                 double *jtv, Err *err)
{
    const GaussianData *data = context;
    for (int image = 0; image < count; image++) {
        NoiseLevel level = levels[image * stride];
        double scale = level.sigma / noised_variance(level, data->std);
        double centre = level.alpha * data->mean;
        size_t at = (size_t)image * data->dims;
        for (size_t i = at; i < at + data->dims; i++) eps[i] = scale * (x[i] - centre);
        for (size_t i = at; v && i < at + data->dims; i++) jtv[i] = scale * v[i];
        if (!all_finite(eps + at, data->dims, level.t, err)) return false;
    }
    return true;
}

static bool gaussian_predict(void *context, int count, const double *x, const NoiseLevel *levels,
                             int stride, double *eps, Err *err)
{
    return gaussian_predict_vjp(context, count, x, levels, stride, NULL, eps, NULL, err);
}

Denoiser gaussian_denoiser(const GaussianData *data)
{
    return (Denoiser){.context = (void *)data,
                      .dims = data->dims,
                      .predict = gaussian_predict,
                      .predict_vjp = gaussian_predict_vjp};
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

/* eps = sum_k r_k a_k, a_k = sigma (x - alpha m_k) / v_k, r_k the responsibilities. One pass: the
 * sums are kept relative to the largest log density so far, so they neither underflow far from
 * every mode nor need room for one number per mode.
 * The Jacobian is symmetric (eps is a gradient):
 *   J v = sigma sum_k r_k / v_k v - (sum_k r_k (a_k . v) a_k - (eps . v) eps) / sigma
 * v may be NULL; jtv is then not touched. */
static void mixture_predict_one(const MixtureData *data, const double *x, NoiseLevel level,
                                const double *v, double *eps, double *jtv)
{
    double largest = -HUGE_VAL, total = 0, precision = 0;
    for (size_t d = 0; d < data->dims; d++) eps[d] = 0;
    for (size_t d = 0; v && d < data->dims; d++) jtv[d] = 0;
    for (int k = 0; k < data->modes; k++) {
        if (data->weights[k] <= 0) continue;
        const double *mean = data->means + (size_t)k * data->dims;
        double density = mode_log_density(data, k, x, level);
        if (density > largest) {
            double shrink = exp(largest - density);
            total *= shrink;
            precision *= shrink;
            for (size_t d = 0; d < data->dims; d++) eps[d] *= shrink;
            for (size_t d = 0; v && d < data->dims; d++) jtv[d] *= shrink;
            largest = density;
        }
        double share = exp(density - largest), along = 0;
        double slope = level.sigma / noised_variance(level, data->stds[k]), scale = share * slope;
        total += share;
        precision += scale;
        for (size_t d = 0; d < data->dims; d++) {
            eps[d] += scale * (x[d] - level.alpha * mean[d]);
            if (v) along += slope * (x[d] - level.alpha * mean[d]) * v[d];
        }
        for (size_t d = 0; v && d < data->dims; d++)
            jtv[d] += scale * along * (x[d] - level.alpha * mean[d]);
    }
    double along = 0;
    for (size_t d = 0; d < data->dims; d++) eps[d] /= total;
    for (size_t d = 0; v && d < data->dims; d++) along += eps[d] * v[d];
    for (size_t d = 0; v && d < data->dims; d++)
        jtv[d] = (precision * v[d] - jtv[d] / level.sigma) / total + along * eps[d] / level.sigma;
}

static bool mixture_predict_vjp(void *context, int count, const double *x, const NoiseLevel *levels,
                                int stride, const double *v, double *eps, double *jtv, Err *err)
{
    const MixtureData *data = context;
#pragma omp parallel for schedule(static) if (count >= 256)
    for (int image = 0; image < count; image++) {
        size_t at = (size_t)image * data->dims;
        mixture_predict_one(data, x + at, levels[image * stride], v ? v + at : NULL, eps + at,
                            v ? jtv + at : NULL);
    }
    return all_finite(eps, (size_t)count * data->dims, levels[0].t, err);
}

static bool mixture_predict(void *context, int count, const double *x, const NoiseLevel *levels,
                            int stride, double *eps, Err *err)
{
    return mixture_predict_vjp(context, count, x, levels, stride, NULL, eps, NULL, err);
}

Denoiser mixture_denoiser(const MixtureData *data)
{
    return (Denoiser){.context = (void *)data,
                      .dims = data->dims,
                      .predict = mixture_predict,
                      .predict_vjp = mixture_predict_vjp};
}

static void two_modes(ToyMixture *m)
{
    m->modes = 2;
    for (int k = 0; k < 2; k++) {
        m->weights[k] = k == 0 ? 0.8 : 0.2;
        m->stds[k] = 1;
        for (int d = 0; d < TOY_DIMS; d++) m->means[TOY_DIMS * k + d] = k == 0 ? 5 : -5;
    }
}

static void ring(ToyMixture *m)
{
    m->modes = TOY_MODES;
    for (int k = 0; k < TOY_MODES; k++) {
        double angle = TWO_PI * k / TOY_MODES;
        m->weights[k] = 1.0 / TOY_MODES;
        m->stds[k] = 0.15;
        m->means[TOY_DIMS * k] = 2 * cos(angle);
        m->means[TOY_DIMS * k + 1] = 2 * sin(angle);
    }
}

bool toy_mixture(ToyKind kind, ToyMixture *out)
{
    *out = (ToyMixture){0};
    if (kind == TOY_TWO_MODES) two_modes(out);
    if (kind == TOY_RING) ring(out);
    return out->modes > 0;
}

void toy_points(ToyKind kind, uint64_t seed, bool held_out, uint64_t first, size_t count, float *xy)
{
#pragma omp parallel for schedule(static) if (count >= 256)
    for (size_t i = 0; i < count; i++)
        toy_point(kind, seed, held_out, first + i, xy + TOY_DIMS * i);
}
