/* Resampling, cumulative sums and dropout: passes against plain loops in double. */
#include "base/rng.h"
#include "math/vec.h"
#include "ops/ops.h"
#include "passes.h"

/* ---- upsample and tapmeans */

static void upsample_formula(const PassCase *c, double *y, double **x)
{
    const ResampleDims *d = c->dims;
    for (int n = 0; n < c->N; n++)
        for (int i = 0; i < 2 * d->H; i++)
            for (int j = 0; j < 2 * d->W; j++)
                for (int k = 0; k < d->C; k++)
                    *y++ = x[0][((n * d->H + i / 2) * d->W + j / 2) * d->C + k];
}

static void tapmeans_formula(const PassCase *c, double *y, double **x)
{
    const ResampleDims *d = c->dims;
    for (int n = 0; n < c->N; n++, y += 9 * d->C)
        for (int at = 0; at < 9 * d->H * d->W; at++) {
            int tap = at % 9, h = at / 9 / d->W + tap / 3 - 1, w = at / 9 % d->W + tap % 3 - 1;
            if (h < 0 || h >= d->H || w < 0 || w >= d->W) continue;
            for (int k = 0; k < d->C; k++)
                y[tap * d->C + k] += x[0][((n * d->H + h) * d->W + w) * d->C + k] / (d->H * d->W);
        }
}

static void check_resampling(const Op *op, ResampleDims d)
{
    PassCase c = {.op = op, .dims = &d, .N = d.N, .inputs = 1, .active = 1};
    c.per[0] = (size_t)(d.H * d.W * d.C);
    c.out = op == &op_upsample ? 4 * c.per[0] : (size_t)(9 * d.C);
    c.formula = op == &op_upsample ? upsample_formula : tapmeans_formula;
    check_passes(&c);
}

TEST(upsample_passes_agree_with_the_formula)
{
    check_resampling(&op_upsample, (ResampleDims){1, 1, 1, 1});
    check_resampling(&op_upsample, (ResampleDims){2, 3, 5, 7});
    check_resampling(&op_upsample, (ResampleDims){3, 4, 2, 33});
}

TEST(tapmeans_passes_agree_with_the_formula_down_to_one_pixel)
{
    check_resampling(&op_tapmeans, (ResampleDims){2, 5, 6, 7});
    check_resampling(&op_tapmeans, (ResampleDims){3, 4, 3, 70});
    check_resampling(&op_tapmeans, (ResampleDims){2, 1, 4, 3});
    check_resampling(&op_tapmeans, (ResampleDims){1, 2, 1, 130});
    check_resampling(&op_tapmeans, (ResampleDims){1, 1, 1, 1});
}

/* ---- cumsum */

static void cumsum_formula(const PassCase *c, double *y, double **x)
{
    const CumsumDims *d = c->dims;
    for (int n = 0; n < c->N; n++)
        for (int k = 0; k < d->C; k++)
            for (int i = 0; i <= k; i++) y[n * d->C + k] += x[0][n * d->C + i];
}

TEST(cumsum_passes_agree_with_the_formula)
{
    static const CumsumDims shapes[] = {{1, 1}, {2, 7}, {3, 1002}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        const CumsumDims *d = &shapes[i];
        PassCase c = {.op = &op_cumsum, .dims = d, .N = d->N, .inputs = 1, .active = 1};
        c.per[0] = c.out = (size_t)d->C;
        c.formula = cumsum_formula;
        check_passes(&c);
    }
}

TEST(cumsum_of_many_terms_is_as_exact_as_one_rounding)
{
    enum { TERMS = 1002 };
    CumsumDims d = {1, TERMS};
    float x[TERMS], y[TERMS];
    for (int i = 0; i < TERMS; i++) x[i] = 0.1f;
    op_cumsum.forward(&(OpCall){.dims = &d, .x = {x}, .y = y});
    for (int i = 0; i < TERMS; i++) EXPECT(y[i] == (float)((i + 1) * (double)0.1f));
}

/* ---- dropout */

static void dropout_formula(const PassCase *c, double *y, double **x)
{
    const DropoutDims *d = c->dims;
    for (size_t i = 0; i < output_floats(c); i++) {
        uint32_t word[4];
        rng_block(d->seed, d->stream, i / 64 * 16 + i % 16, word);
        bool keep = (double)word[i / 16 % 4] / 0x1p32 >= (double)d->p;
        y[i] = keep ? x[0][i] / (1 - (double)d->p) : 0;
    }
}

static void check_dropout(DropoutDims d)
{
    PassCase c = {.op = &op_dropout, .dims = &d, .N = d.N, .inputs = 1, .active = 1};
    c.per[0] = c.out = d.size;
    c.by_index = true;
    c.formula = dropout_formula;
    check_passes(&c);
}

TEST(dropout_passes_share_the_mask_of_the_counter)
{
    uint64_t stream = rng_stream(RNG_DROPOUT, 3);
    check_dropout((DropoutDims){.N = 1, .size = 1, .p = 0.25f, .seed = 7, .stream = stream});
    check_dropout((DropoutDims){.N = 3, .size = 35, .p = 0.5f, .seed = 7, .stream = stream});
    check_dropout((DropoutDims){.N = 2, .size = 5003, .p = 0.1f, .seed = 8, .stream = stream});
    check_dropout((DropoutDims){.N = 2, .size = 100, .p = 0.0f, .seed = 8, .stream = stream});
}

/* Ones in, so that the output is the mask. */
static float *dropout_mask(float p, uint64_t seed, uint64_t number, size_t n)
{
    DropoutDims d = {.N = 1, .size = n, .p = p, .seed = seed};
    d.stream = rng_stream(RNG_DROPOUT, number);
    float *x = test_floats(n), *y = test_floats(n);
    for (size_t i = 0; i < n; i++) x[i] = 1;
    op_dropout.forward(&(OpCall){.dims = &d, .x = {x}, .y = y});
    return y;
}

TEST(dropout_keeps_the_promised_share_within_five_sigma)
{
    static const float shares[] = {0.1f, 0.5f, 0.9f};
    size_t n = 100000;
    for (int k = 0; k < 3; k++) {
        double p = (double)shares[k], kept = 0;
        float *mask = dropout_mask(shares[k], 1, 1, n);
        for (size_t i = 0; i < n; i++) {
            kept += mask[i] != 0;
            if (mask[i] != 0) EXPECT_NEAR((double)mask[i], 1 / (1 - p), 1e-6);
        }
        EXPECT_NEAR(kept, (1 - p) * (double)n, 5 * sqrt((double)n * p * (1 - p)));
    }
}

TEST(dropout_with_another_seed_or_stream_drops_other_elements)
{
    size_t n = 10000;
    float *mask = dropout_mask(0.5f, 1, 1, n);
    float *others[] = {dropout_mask(0.5f, 2, 1, n), dropout_mask(0.5f, 1, 2, n)};
    for (int k = 0; k < 2; k++) {
        double equal = 0;
        for (size_t i = 0; i < n; i++) equal += mask[i] == others[k][i];
        EXPECT_NEAR(equal, (double)n / 2, 5 * sqrt((double)n / 4));
    }
}

TEST(dropout_of_zero_copies_and_of_more_does_not_hide_a_nan)
{
    float x[6] = {1, -0.0f, NAN, INFINITY, 3e38f, 1e-45f}, y[6];
    DropoutDims d = {.N = 1, .size = 6, .seed = 1, .stream = 1};
    op_dropout.forward(&(OpCall){.dims = &d, .x = {x}, .y = y});
    EXPECT_SAME(y, x, sizeof x);
    for (int i = 0; i < 6; i++) x[i] = NAN;
    d.p = 0.9f;
    op_dropout.forward(&(OpCall){.dims = &d, .x = {x}, .y = y});
    for (int i = 0; i < 6; i++) EXPECT(isnan(y[i]));
}

/* ---- input_fourier */

static void waves_formula(const PassCase *c, double *y, double **x)
{
    const InputFourierDims *d = c->dims;
    const double pi = acos(-1);
    for (int row = 0; row < c->N * d->T; row++) {
        const double *in = x[0] + row * d->C;
        for (int k = 0; k < d->C; k++) *y++ = in[k];
        for (int f = 0; f < d->F; f++) {
            for (int k = 0; k < d->C; k++) *y++ = sin(pow(2, d->n[f]) * pi * in[k]);
            for (int k = 0; k < d->C; k++) *y++ = cos(pow(2, d->n[f]) * pi * in[k]);
        }
    }
}

static void check_input_fourier(InputFourierDims d)
{
    PassCase c = {.op = &op_input_fourier, .dims = &d, .N = d.N, .inputs = 1, .active = 1};
    c.per[0] = (size_t)(d.T * d.C);
    c.out = c.per[0] * (size_t)(1 + 2 * d.F);
    c.formula = waves_formula;
    check_passes(&c);
}

TEST(waves_passes_agree_with_the_formula)
{
    check_input_fourier((InputFourierDims){.N = 3, .T = 12, .C = 1, .F = 2, .n = {0, 2}});
    check_input_fourier((InputFourierDims){.N = 2, .T = 5, .C = 3, .F = 1, .n = {1}});
    check_input_fourier((InputFourierDims){.N = 1, .T = 1, .C = 2, .F = 3, .n = {0, 1, 2}});
}

/* At the highest frequencies too: the reduction to a turn loses nothing. */
TEST(waves_of_any_frequency_are_right_to_the_last_bit_of_a_float)
{
    float x[8], y[8 * 5];
    InputFourierDims d = {.N = 1, .T = 8, .C = 1, .F = 2, .n = {8, 12}};
    test_normals(x, 8, 5, 3);
    op_input_fourier.forward(&(OpCall){.dims = &d, .x = {x}, .y = y});
    for (int i = 0; i < 8; i++)
        for (int f = 0; f < 2; f++) {
            double angle = ldexp(acos(-1), d.n[f]) * (double)x[i];
            EXPECT_NEAR((double)y[5 * i + 1 + 2 * f], sin(angle), 1e-7);
            EXPECT_NEAR((double)y[5 * i + 2 + 2 * f], cos(angle), 1e-7);
        }
}

TEST(dropout_drops_the_same_elements_at_every_level)
{
    size_t n = 10000;
    float *mask = dropout_mask(0.5f, 1, 1, n);
    for (int level = SIMD_PLAIN; level < SIMD_LEVELS; level++) {
        if (!vec_set_level((SimdLevel)level)) continue;
        float *other = dropout_mask(0.5f, 1, 1, n);
        EXPECT_SAME(other, mask, n * sizeof *mask);
    }
    EXPECT(vec_init(NULL));
}
