#include "diffusion/smld_levels.h"

#include <math.h>

#include "base/err.h"

static double normal_cdf(double x)
{
    return 0.5 * erfc(-x * 0.70710678118654752440);
}

/* The share of a level's noise that falls into the shell of the next. */
static double shell_overlap(size_t dims, double ratio)
{
    double shift = sqrt(2 * (double)dims) * (ratio - 1);
    return normal_cdf(shift + 3 * ratio) - normal_cdf(shift - 3 * ratio);
}

double smld_ratio(size_t dims)
{
    double low = 1, high = pow(100, 1.0 / 9);
    if (shell_overlap(dims, high) >= 0.5) return high;
    for (int i = 0; i < 60; i++) {
        double middle = (low + high) / 2;
        if (shell_overlap(dims, middle) > 0.5)
            low = middle;
        else
            high = middle;
    }
    return (low + high) / 2;
}

int smld_levels(double sigma_max, double sigma_min, size_t dims)
{
    CHECK(sigma_min > 0 && sigma_max > sigma_min);
    return 1 + (int)ceil(log(sigma_max / sigma_min) / log(smld_ratio(dims)));
}

/* The variance after a level's steps, in units of that level's, from ratio^2: with u the step over
 * sigma^2, q (ratio^2 - b) + b. It is never below 1, because b = 1 / (1 - u/2) is not. */
static double variance_after_level(int steps, double ratio, double u)
{
    double q = pow(1 - u, 2.0 * steps), b = 1 / (1 - u / 2);
    return q * (ratio * ratio - b) + b;
}

/* The variance falls with u as more of the level above is forgotten, and then rises with the error
 * of a finite step: a scan over ln u brackets the minimum, a ternary search finds it. */
double langevin_step_size(int steps_per_level, double sigma_min, double ratio)
{
    enum { SCAN = 400 };
    CHECK(steps_per_level >= 1 && ratio > 1);
    const double smallest = log(1e-9);
    int best = 0;
    double least = HUGE_VAL;
    for (int i = 0; i <= SCAN; i++) {
        double value = variance_after_level(steps_per_level, ratio, exp(smallest * i / SCAN));
        if (value < least) {
            least = value;
            best = i;
        }
    }
    double low = smallest * fmin(best + 1, SCAN) / SCAN, high = smallest * fmax(best - 1, 0) / SCAN;
    for (int i = 0; i < 100; i++) {
        double a = low + (high - low) / 3, b = high - (high - low) / 3;
        if (variance_after_level(steps_per_level, ratio, exp(a)) <
            variance_after_level(steps_per_level, ratio, exp(b)))
            high = b;
        else
            low = a;
    }
    return exp((low + high) / 2) * sigma_min * sigma_min;
}
