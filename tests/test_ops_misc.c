/* Resampling, cumulative sums and dropout: four passes against plain loops in double. */
#include "diffc/ops.h"
#include "diffc/rng.h"
#include "diffc/vec.h"
#include "four_passes.h"

/* ---- upsample and tapmeans */

static ResampleDims resample_dims(const OpCase *op)
{
    ResampleDims d = *(const ResampleDims *)op->shape;
    d.N = op->N;
    return d;
}

#define RESAMPLE_ADAPTERS(name)                                                                    \
    static void name##_run(const OpCase *op, float *y, float **x)                                  \
    {                                                                                              \
        ResampleDims d = resample_dims(op);                                                        \
        name##_forward(&d, y, x[0]);                                                               \
    }                                                                                              \
    static void name##_dot(const OpCase *op, float *ydot, float **x, float **xdot)                 \
    {                                                                                              \
        ResampleDims d = resample_dims(op);                                                        \
        (void)x;                                                                                   \
        name##_tangent(&d, ydot, xdot[0]);                                                         \
    }                                                                                              \
    static void name##_back(const OpCase *op, float **dx, float *dy, float **x)                    \
    {                                                                                              \
        ResampleDims d = resample_dims(op);                                                        \
        (void)x;                                                                                   \
        name##_backward(&d, dx[0], dy);                                                            \
    }                                                                                              \
    static void name##_back2(const OpCase *op, float **mx, float *my, float *ly, float **x,        \
                             float **xdot)                                                         \
    {                                                                                              \
        ResampleDims d = resample_dims(op);                                                        \
        (void)ly, (void)x, (void)xdot;                                                             \
        name##_backward2(&d, mx[0], my);                                                           \
    }
RESAMPLE_ADAPTERS(upsample)
RESAMPLE_ADAPTERS(tapmeans)

static void upsample_formula(const OpCase *op, double *y, double **x)
{
    ResampleDims d = resample_dims(op);
    for (int n = 0; n < d.N; n++)
        for (int i = 0; i < 2 * d.H; i++)
            for (int j = 0; j < 2 * d.W; j++)
                for (int c = 0; c < d.C; c++)
                    *y++ = x[0][((n * d.H + i / 2) * d.W + j / 2) * d.C + c];
}

static void tapmeans_formula(const OpCase *op, double *y, double **x)
{
    ResampleDims d = resample_dims(op);
    for (int n = 0; n < d.N; n++, y += 9 * d.C)
        for (int at = 0; at < 9 * d.H * d.W; at++) {
            int tap = at % 9, h = at / 9 / d.W + tap / 3 - 1, w = at / 9 % d.W + tap % 3 - 1;
            if (h < 0 || h >= d.H || w < 0 || w >= d.W) continue;
            for (int c = 0; c < d.C; c++)
                y[tap * d.C + c] += x[0][((n * d.H + h) * d.W + w) * d.C + c] / (d.H * d.W);
        }
}

static void check_tapmeans(ResampleDims d)
{
    OpCase op = {
        .name = "tapmeans",
        .shape = &d,
        .N = d.N,
        .inputs = 1,
        .active = 1,
        .per = {(size_t)(d.H * d.W * d.C)},
        .out = (size_t)(9 * d.C),
        .forward = tapmeans_run,
        .tangent = tapmeans_dot,
        .backward = tapmeans_back,
        .backward2 = tapmeans_back2,
        .reference = tapmeans_formula,
    };
    check_four_passes(&op);
}

static void check_upsample(ResampleDims d)
{
    size_t per = (size_t)(d.H * d.W * d.C);
    OpCase op = {
        .name = "upsample",
        .shape = &d,
        .N = d.N,
        .inputs = 1,
        .active = 1,
        .per = {per},
        .out = 4 * per,
        .forward = upsample_run,
        .tangent = upsample_dot,
        .backward = upsample_back,
        .backward2 = upsample_back2,
        .reference = upsample_formula,
    };
    check_four_passes(&op);
}

TEST(upsample_passes_agree_with_the_formula)
{
    check_upsample((ResampleDims){1, 1, 1, 1});
    check_upsample((ResampleDims){2, 3, 5, 7});
    check_upsample((ResampleDims){3, 4, 2, 33});
}

TEST(tapmeans_passes_agree_with_the_formula_down_to_one_pixel)
{
    check_tapmeans((ResampleDims){2, 5, 6, 7});
    check_tapmeans((ResampleDims){3, 4, 3, 70});
    check_tapmeans((ResampleDims){2, 1, 4, 3});
    check_tapmeans((ResampleDims){1, 2, 1, 130});
    check_tapmeans((ResampleDims){1, 1, 1, 1});
}

/* ---- cumsum */

static CumsumDims cumsum_dims(const OpCase *op)
{
    CumsumDims d = *(const CumsumDims *)op->shape;
    d.N = op->N;
    return d;
}

static void cumsum_run(const OpCase *op, float *y, float **x)
{
    CumsumDims d = cumsum_dims(op);
    cumsum_forward(&d, y, x[0]);
}

static void cumsum_dot(const OpCase *op, float *ydot, float **x, float **xdot)
{
    CumsumDims d = cumsum_dims(op);
    (void)x;
    cumsum_tangent(&d, ydot, xdot[0]);
}

static void cumsum_back(const OpCase *op, float **dx, float *dy, float **x)
{
    CumsumDims d = cumsum_dims(op);
    (void)x;
    cumsum_backward(&d, dx[0], dy);
}

static void cumsum_back2(const OpCase *op, float **mx, float *my, float *ly, float **x,
                         float **xdot)
{
    CumsumDims d = cumsum_dims(op);
    (void)ly, (void)x, (void)xdot;
    cumsum_backward2(&d, mx[0], my);
}

static void cumsum_formula(const OpCase *op, double *y, double **x)
{
    CumsumDims d = cumsum_dims(op);
    for (int n = 0; n < d.N; n++)
        for (int k = 0; k < d.C; k++)
            for (int c = 0; c <= k; c++) y[n * d.C + k] += x[0][n * d.C + c];
}

TEST(cumsum_passes_agree_with_the_formula)
{
    static const CumsumDims shapes[] = {{1, 1}, {2, 7}, {3, 1002}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        OpCase op = {
            .name = "cumsum",
            .shape = &shapes[i],
            .N = shapes[i].N,
            .inputs = 1,
            .active = 1,
            .per = {(size_t)shapes[i].C},
            .out = (size_t)shapes[i].C,
            .forward = cumsum_run,
            .tangent = cumsum_dot,
            .backward = cumsum_back,
            .backward2 = cumsum_back2,
            .reference = cumsum_formula,
        };
        check_four_passes(&op);
    }
}

TEST(cumsum_of_many_terms_is_as_exact_as_one_rounding)
{
    enum { TERMS = 1002 };
    CumsumDims d = {1, TERMS};
    float x[TERMS], y[TERMS];
    for (int i = 0; i < TERMS; i++) x[i] = 0.1f;
    cumsum_forward(&d, y, x);
    for (int i = 0; i < TERMS; i++) EXPECT(y[i] == (float)((i + 1) * (double)0.1f));
}

/* ---- dropout */

static DropoutDims dropout_dims(const OpCase *op)
{
    DropoutDims d = *(const DropoutDims *)op->shape;
    d.N = op->N;
    return d;
}

static void dropout_run(const OpCase *op, float *y, float **x)
{
    DropoutDims d = dropout_dims(op);
    dropout_forward(&d, y, x[0]);
}

static void dropout_dot(const OpCase *op, float *ydot, float **x, float **xdot)
{
    DropoutDims d = dropout_dims(op);
    (void)x;
    dropout_tangent(&d, ydot, xdot[0]);
}

static void dropout_back(const OpCase *op, float **dx, float *dy, float **x)
{
    DropoutDims d = dropout_dims(op);
    (void)x;
    dropout_backward(&d, dx[0], dy);
}

static void dropout_back2(const OpCase *op, float **mx, float *my, float *ly, float **x,
                          float **xdot)
{
    DropoutDims d = dropout_dims(op);
    (void)ly, (void)x, (void)xdot;
    dropout_backward2(&d, mx[0], my);
}

static void dropout_formula(const OpCase *op, double *y, double **x)
{
    DropoutDims d = dropout_dims(op);
    for (size_t i = 0; i < output_floats(op); i++) {
        uint32_t word[4];
        rng_block(d.seed, d.stream, i / 64 * 16 + i % 16, word);
        bool keep = (double)word[i / 16 % 4] / 0x1p32 >= (double)d.p;
        y[i] = keep ? x[0][i] / (1 - (double)d.p) : 0;
    }
}

static void check_dropout(DropoutDims d)
{
    OpCase op = {
        .name = "dropout",
        .shape = &d,
        .N = d.N,
        .inputs = 1,
        .active = 1,
        .per = {d.size},
        .out = d.size,
        .by_index = true,
        .forward = dropout_run,
        .tangent = dropout_dot,
        .backward = dropout_back,
        .backward2 = dropout_back2,
        .reference = dropout_formula,
    };
    check_four_passes(&op);
}

TEST(dropout_passes_share_the_mask_of_the_counter)
{
    uint64_t stream = rng_stream(RNG_DROPOUT, 3);
    check_dropout((DropoutDims){1, 1, 0.25f, 7, stream});
    check_dropout((DropoutDims){3, 35, 0.5f, 7, stream});
    check_dropout((DropoutDims){2, 5003, 0.1f, 8, stream});
    check_dropout((DropoutDims){2, 100, 0.0f, 8, stream});
}

/* Ones in, so that the output is the mask. */
static float *dropout_mask(float p, uint64_t seed, uint64_t number, size_t n)
{
    DropoutDims d = {1, n, p, seed, rng_stream(RNG_DROPOUT, number)};
    float *x = test_floats(n), *y = test_floats(n);
    for (size_t i = 0; i < n; i++) x[i] = 1;
    dropout_forward(&d, y, x);
    free(x);
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
        free(mask);
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
        free(others[k]);
    }
    free(mask);
}

TEST(dropout_drops_the_same_elements_at_every_level)
{
    size_t n = 10000;
    float *mask = dropout_mask(0.5f, 1, 1, n);
    for (int level = SIMD_PLAIN; level <= SIMD_AVX512; level++) {
        if (!vec_set_level((SimdLevel)level)) continue;
        float *other = dropout_mask(0.5f, 1, 1, n);
        EXPECT_SAME(other, mask, n * sizeof *mask);
        free(other);
    }
    const char *bad;
    EXPECT(vec_init(&bad));
    free(mask);
}

TEST(dropout_of_zero_copies_and_of_more_does_not_hide_a_nan)
{
    float x[6] = {1, -0.0f, NAN, INFINITY, 3e38f, 1e-45f}, y[6];
    DropoutDims d = {1, 6, 0, 1, 1};
    dropout_forward(&d, y, x);
    EXPECT_SAME(y, x, sizeof x);
    for (int i = 0; i < 6; i++) x[i] = NAN;
    d.p = 0.9f;
    dropout_forward(&d, y, x);
    for (int i = 0; i < 6; i++) EXPECT(isnan(y[i]));
}

/* ---- waves */

static WaveDims wave_dims(const OpCase *op)
{
    WaveDims d = *(const WaveDims *)op->shape;
    d.N = op->N;
    return d;
}

static void waves_run(const OpCase *op, float *y, float **x)
{
    WaveDims d = wave_dims(op);
    waves_forward(&d, y, x[0]);
}

static void waves_dot(const OpCase *op, float *ydot, float **x, float **xdot)
{
    WaveDims d = wave_dims(op);
    waves_tangent(&d, ydot, x[0], xdot[0]);
}

static void waves_back(const OpCase *op, float **dx, float *dy, float **x)
{
    WaveDims d = wave_dims(op);
    waves_backward(&d, dx[0], dy, x[0]);
}

static void waves_back2(const OpCase *op, float **mx, float *my, float *ly, float **x, float **xdot)
{
    WaveDims d = wave_dims(op);
    waves_backward2(&d, mx[0], my, ly, x[0], xdot[0]);
}

static void waves_formula(const OpCase *op, double *y, double **x)
{
    WaveDims d = wave_dims(op);
    const double pi = acos(-1);
    for (int row = 0; row < d.N * d.T; row++) {
        for (int c = 0; c < d.C; c++) *y++ = x[0][row * d.C + c];
        for (int f = 0; f < d.F; f++) {
            for (int c = 0; c < d.C; c++) *y++ = sin(pow(2, d.n[f]) * pi * x[0][row * d.C + c]);
            for (int c = 0; c < d.C; c++) *y++ = cos(pow(2, d.n[f]) * pi * x[0][row * d.C + c]);
        }
    }
}

static void check_waves(WaveDims d)
{
    size_t per = (size_t)(d.T * d.C);
    OpCase op = {
        .name = "waves",
        .shape = &d,
        .N = d.N,
        .inputs = 1,
        .active = 1,
        .per = {per},
        .out = per * (size_t)(1 + 2 * d.F),
        .forward = waves_run,
        .tangent = waves_dot,
        .backward = waves_back,
        .backward2 = waves_back2,
        .reference = waves_formula,
    };
    check_four_passes(&op);
}

TEST(waves_passes_agree_with_the_formula)
{
    check_waves((WaveDims){.N = 3, .T = 12, .C = 1, .F = 2, .n = {0, 2}});
    check_waves((WaveDims){.N = 2, .T = 5, .C = 3, .F = 1, .n = {1}});
    check_waves((WaveDims){.N = 1, .T = 1, .C = 2, .F = 3, .n = {0, 1, 2}});
}

/* At the highest frequencies too: the reduction to a turn loses nothing. */
TEST(waves_of_any_frequency_are_right_to_the_last_bit_of_a_float)
{
    float x[8], y[8 * 5];
    WaveDims d = {.N = 1, .T = 8, .C = 1, .F = 2, .n = {8, 12}};
    test_normals(x, 8, 5, 3);
    waves_forward(&d, y, x);
    for (int i = 0; i < 8; i++)
        for (int f = 0; f < 2; f++) {
            double angle = ldexp(acos(-1), d.n[f]) * (double)x[i];
            EXPECT_NEAR((double)y[5 * i + 1 + 2 * f], sin(angle), 1e-7);
            EXPECT_NEAR((double)y[5 * i + 2 + 2 * f], cos(angle), 1e-7);
        }
}
