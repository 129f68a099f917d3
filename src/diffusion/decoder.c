#include <math.h>

#include "diffusion/likelihood.h"

static const double SQRT_HALF = 0.70710678118654752440;
static const double LOG_SQRT_TWO_PI = 0.91893853320467274178;
static const double FARTHEST =
    8; /* standard deviations, beyond which erf is 1 to the last digits */

/* ln Q(z), Q(z) = 1 - Phi(z), for z >= 0. Where erfc nears its smallest values the asymptotic
 * series takes over (Abramowitz & Stegun 26.2.12); its error there is below 1e-9. */
static double log_upper_tail(double z)
{
    if (z < 25) return log(0.5 * erfc(z * SQRT_HALF));
    double r = 1 / (z * z);
    return -0.5 * z * z - log(z) - LOG_SQRT_TWO_PI + log1p(-r * (1 - r * (3 - r * (15 - 105 * r))));
}

/* ln Phi(z) */
static double log_phi(double z)
{
    return z < 0 ? log_upper_tail(-z) : log1p(-0.5 * erfc(z * SQRT_HALF));
}

/* ln(Phi(high) - Phi(low)). Far out both are 0 or 1 to the last digit, so there the difference is
 * taken between the tails' logarithms; by symmetry only the upper side needs a formula. */
static double log_between(double low, double high)
{
    if (low + high < 0) return log_between(-high, -low);
    if (low < 1) return log(0.5 * (erf(high * SQRT_HALF) - erf(low * SQRT_HALF)));
    double tail = log_upper_tail(low);
    return tail + log(-expm1(log_upper_tail(high) - tail));
}

/* The bin's edges in standard deviations; open where there is no neighbour. */
typedef struct {
    double low, high;
    bool lowest, highest;
} Bin;

static Bin bin_of(const PixelRange *range, double x, double mean, double std)
{
    double half = 0.5 * (range->high - range->low) / (range->levels - 1);
    return (Bin){.low = (x - half - mean) / std,
                 .high = (x + half - mean) / std,
                 .lowest = x<range->low + half, .highest = x> range->high - half};
}

double decoder_log_probability(const PixelRange *range, double x, double mean, double std)
{
    Bin bin = bin_of(range, x, mean, std);
    if (bin.lowest) return log_phi(bin.high);
    if (bin.highest) return log_phi(-bin.low);
    return log_between(bin.low, bin.high);
}

/* By bisection of Phi(z) = Phi(low) + u (Phi(high) - Phi(low)); 0 lies within, so no tail's digits are lost. */
double decoder_quantile(const PixelRange *range, double value, double std, double u)
{
    enum { HALVINGS = 60 };
    Bin bin = bin_of(range, value, value, std);
    double low = bin.lowest ? -FARTHEST : fmax(bin.low, -FARTHEST);
    double high = bin.highest ? FARTHEST : fmin(bin.high, FARTHEST);
    double from = erf(low * SQRT_HALF), target = from + u * (erf(high * SQRT_HALF) - from);
    for (int i = 0; i < HALVINGS; i++) {
        double middle = 0.5 * (low + high);
        *(erf(middle * SQRT_HALF) < target ? &low : &high) = middle;
    }
    return 0.5 * (low + high);
}

/* z phi(z) / P, by logarithms, for both underflow far out. */
static double weighted_edge(double z, double log_probability)
{
    return z * exp(-0.5 * z * z - LOG_SQRT_TWO_PI - log_probability);
}

/* d ln(Phi(high) - Phi(low)) / d ln std = -(high phi(high) - low phi(low)) / (Phi(high) - Phi(low)),
 * an open end giving nothing. */
double decoder_log_probability_slope(const PixelRange *range, double x, double mean, double std,
                                     double *slope)
{
    Bin bin = bin_of(range, x, mean, std);
    double log_probability = decoder_log_probability(range, x, mean, std);
    double above = bin.highest ? 0 : weighted_edge(bin.high, log_probability);
    double below = bin.lowest ? 0 : weighted_edge(bin.low, log_probability);
    *slope = below - above;
    return log_probability;
}

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
