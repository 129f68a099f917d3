#include "diffusion/mask.h"

#include <math.h>

#include "base/rng.h"

static int count_kept(const unsigned char *m, int T)
{
    int kept = 0;
    for (int t = 0; t < T; t++) kept += m[t];
    return kept;
}

/* The step with the largest score among those whose m is `from`; of equals the noisiest. */
static int largest(const unsigned char *m, const double *s, int T, int from)
{
    int best = -1;
    for (int t = T - 1; t >= 0; t--)
        if (m[t] == from && (best < 0 || s[t] > s[best])) best = t;
    return best;
}

/* The same with the smallest; of equals the cleanest. */
static int smallest(const unsigned char *m, const double *s, int T, int from)
{
    int best = -1;
    for (int t = 0; t < T; t++)
        if (m[t] == from && (best < 0 || s[t] < s[best])) best = t;
    return best;
}

/* Four steps share a block of random words. */
int mask_draw(unsigned char *m, const double *s, int T, uint64_t seed, uint64_t number)
{
    enum { WORDS = 4 };
    uint64_t stream = rng_stream(RNG_MASK, number);
    for (int first = 0; first < T; first += WORDS) {
        uint32_t words[WORDS];
        rng_block(seed, stream, (uint64_t)(first / WORDS), words);
        for (int t = first; t < T && t < first + WORDS; t++)
            m[t] = ((double)words[t - first] + 0.5) * 0x1p-32 < s[t];
    }
    return count_kept(m, T);
}

int mask_step(const unsigned char *m, int T, int place)
{
    for (int t = 0; t < T; t++)
        if (m[t] && place-- == 0) return t;
    CHECK(false); /* fewer are kept */
    return -1;
}

double mask_kept_share(double e, double full, double end, double final)
{
    if (e < full) return 1;
    if (e >= end) return final;
    double left = 1 - (e - full) / (end - full);
    return final + (1 - final) * left * left * left;
}

/* c of the rescaled chain: ln alpha_bar of all steps over that of the kept. */
static double rescaling(const Schedule *s, const unsigned char *m)
{
    double all = 0, kept = 0;
    for (int t = 0; t < s->T; t++) {
        double step = log1p(-s->beta[t]);
        all += step;
        if (m[t]) kept += step;
    }
    return all / kept;
}

void mask_alpha_bar(double *alpha_bar, MaskAlphas kind, const Schedule *s, const unsigned char *m)
{
    double c = kind == ALPHAS_RESCALED ? rescaling(s, m) : 1, log_alpha = 0, here = 1;
    CHECK(count_kept(m, s->T) > 0);
    for (int t = 0; t < s->T; t++) {
        if (m[t] && kind == ALPHAS_MERGED)
            here = s->alpha_bar[t];
        else if (m[t])
            here = exp(log_alpha += c * log1p(-s->beta[t]));
        alpha_bar[t] = here;
    }
}

NoiseLevel mask_level(const double *alpha_bar, int t)
{
    return (NoiseLevel){
        .alpha = sqrt(alpha_bar[t]), .sigma = sqrt(1 - alpha_bar[t]), .t = t, .time = t};
}

void mask_add_score_gradient(double *gradient, const unsigned char *m, const double *s, int T,
                             bool precondition, double scale)
{
    for (int t = 0; t < T; t++) {
        double spread = s[t] * (1 - s[t]);
        if (!precondition)
            gradient[t] += scale * (m[t] ? 1 / s[t] : -1 / (1 - s[t]));
        else if (spread > 0)
            gradient[t] += scale * (m[t] - s[t]) / sqrt(spread);
    }
}

void mask_advantages(double *scale, const double *cost, int n)
{
    double sum = 0;
    for (int k = 0; k < n; k++) sum += cost[k];
    for (int k = 0; k < n; k++)
        scale[k] = n == 1 ? cost[k] : (cost[k] - (sum - cost[k]) / (n - 1)) / n;
}

static double clipped(double s, double v)
{
    return fmin(fmax(s - v, 0), 1);
}

static double clipped_sum(const double *s, int n, double v)
{
    double sum = 0;
    for (int i = 0; i < n; i++) sum += clipped(s[i], v);
    return sum;
}

void mask_project(double *s, int n, double most)
{
    double low = 0, high = 0;
    if (clipped_sum(s, n, 0) > most) {
        for (int i = 0; i < n; i++) high = fmax(high, s[i]);
        /* The sum falls with v from above `most` to 0. */
        for (int halving = 0; halving < 64; halving++) {
            double middle = low + 0.5 * (high - low);
            if (clipped_sum(s, n, middle) > most)
                low = middle;
            else
                high = middle;
        }
    }
    for (int i = 0; i < n; i++) s[i] = clipped(s[i], high);
}

MaskSummary mask_summary(const double *s, int T)
{
    MaskSummary all = {0};
    for (int t = 0; t < T; t++) {
        all.sum += s[t];
        all.spread += s[t] * (1 - s[t]);
        if (s[t] > 0 && s[t] < 1) all.entropy -= s[t] * log(s[t]) + (1 - s[t]) * log1p(-s[t]);
    }
    return all;
}

void mask_top(unsigned char *m, const double *s, int T, int K)
{
    for (int t = 0; t < T; t++) m[t] = K == T;
    mask_complete(m, s, T, K);
}

void mask_complete(unsigned char *m, const double *s, int T, int K)
{
    CHECK(K >= 0 && K <= T);
    int kept = count_kept(m, T);
    for (; kept > K; kept--) m[smallest(m, s, T, 1)] = 0;
    for (; kept < K; kept++) m[largest(m, s, T, 0)] = 1;
}
