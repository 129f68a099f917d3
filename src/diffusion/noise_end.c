#include "diffusion/noise_end.h"

#include <math.h>

double noise_end_alpha_bar(const Process *p)
{
    if (p->kind == PROCESS_SMLD || p->kind == PROCESS_VE) return 0;
    double alpha = process_level(p, process_time_noisy(p)).alpha;
    return alpha * alpha;
}

double noise_end_of_betas(ScheduleKind kind, int T, int keep, double beta_start, double beta_end)
{
    bool scaled = kind == SCHEDULE_SCALED_LINEAR;
    double from = scaled ? sqrt(beta_start) : beta_start, to = scaled ? sqrt(beta_end) : beta_end;
    double sum = 0;
    for (int k = 1; k <= keep; k++) {
        int t = (int)((long long)k * T / keep) - 1;
        double x = T > 1 ? from + (to - from) * t / (T - 1) : from;
        sum += log1p(-(scaled ? x * x : x));
    }
    return exp(sum);
}

/* x > 0 with so many digits, not below x. */
static double round_up(double x, int digits)
{
    double unit = pow(10, floor(log10(x)) + 1 - digits);
    return ceil(x / unit - 1e-9) * unit;
}

double noise_end_beta_end(ScheduleKind kind, int T, int keep, double beta_start)
{
    enum { HALVINGS = 60, MOST_DIGITS = 12 };
    double low = beta_start, high = 1 - 1e-12;
    if (noise_end_of_betas(kind, T, keep, beta_start, high) > NOISE_END_USUAL) return 0;
    for (int i = 0; i < HALVINGS; i++) {
        double middle = (low + high) / 2;
        if (noise_end_of_betas(kind, T, keep, beta_start, middle) > NOISE_END_USUAL)
            low = middle;
        else
            high = middle;
    }
    for (int digits = 3; digits < MOST_DIGITS; digits++)
        if (round_up(high, digits) < 1) return round_up(high, digits);
    return 0;
}

double noise_end_beta_max(double beta_min)
{
    return round_up(-2 * log(NOISE_END_USUAL) - beta_min, 3);
}

double noise_end_logsnr(void)
{
    return -round_up(-log(NOISE_END_USUAL / (1 - NOISE_END_USUAL)), 3);
}

int noise_end_unif_steps(void)
{
    double sigma = sqrt(1 - NOISE_END_MOST); /* T / (T+1) */
    return (int)ceil(sigma / (1 - sigma));
}
