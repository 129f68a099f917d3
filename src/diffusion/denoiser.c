#include "diffusion/denoiser.h"

#include <math.h>

const char *const prediction_words[] = {
    [PREDICT_EPS] = "eps", [PREDICT_X0] = "x0", [PREDICT_V] = "v", [PREDICT_SCORE] = "score", NULL};

double input_scale(Prediction kind, NoiseLevel level)
{
    if (kind != PREDICT_V) return 1;
    return 1 / sqrt(level.alpha * level.alpha + level.sigma * level.sigma);
}

/* c is input_scale. */
static inline double eps_with_scale(Prediction kind, NoiseLevel level, double c, double x,
                                    double prediction)
{
    switch (kind) {
    case PREDICT_AUTO:
        break;
    case PREDICT_EPS:
        return prediction;
    case PREDICT_X0:
        return (x - level.alpha * prediction) / level.sigma;
    case PREDICT_V:
        return c * (level.alpha * prediction + level.sigma * (c * x));
    case PREDICT_SCORE:
        return -level.sigma * prediction;
    }
    return (double)NAN;
}

double eps_from_prediction(Prediction kind, NoiseLevel level, double x, double prediction)
{
    return eps_with_scale(kind, level, input_scale(kind, level), x, prediction);
}

void eps_from_predictions(Prediction kind, NoiseLevel level, size_t n, const double *x,
                          const float *prediction, double *eps)
{
    double c = input_scale(kind, level);
    for (size_t i = 0; i < n; i++)
        eps[i] = eps_with_scale(kind, level, c, x[i], (double)prediction[i]);
}

double target_of_prediction(Prediction kind, NoiseLevel level, double x0, double eps)
{
    switch (kind) {
    case PREDICT_AUTO:
        break;
    case PREDICT_EPS:
        return eps;
    case PREDICT_X0:
        return x0;
    case PREDICT_V:
        return input_scale(kind, level) * (level.alpha * eps - level.sigma * x0);
    case PREDICT_SCORE:
        return score_from_eps(level, eps);
    }
    return (double)NAN;
}

double score_from_eps(NoiseLevel level, double eps)
{
    return -eps / level.sigma;
}

double objective_weight(Prediction kind, NoiseLevel level, double min_snr_gamma)
{
    double noise = level.sigma * level.sigma, snr = level.alpha * level.alpha / noise;
    double unit = kind == PREDICT_SCORE ? noise : 1;
    if (min_snr_gamma <= 0 || snr <= 0) return unit;
    double capped = snr < min_snr_gamma ? snr : min_snr_gamma;
    switch (kind) {
    case PREDICT_AUTO:
        break;
    case PREDICT_EPS:
    case PREDICT_SCORE:
        return unit * capped / snr;
    case PREDICT_X0:
        return capped;
    case PREDICT_V:
        return capped / (snr + 1);
    }
    return (double)NAN;
}
