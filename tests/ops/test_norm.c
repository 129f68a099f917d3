#include "base/parallel.h"
#include "math/vec.h"
#include "ops/ops.h"
#include "passes.h"

/* ---- groupnorm: inputs x, w, b */

/* Runs forward, whose saved values the other passes need; y NULL: not wanted. */
static OpCall norm_forward(const GroupNormDims *d, float *y, float *const *in)
{
    size_t n = (size_t)d->N * (size_t)d->T * (size_t)d->C;
    OpCall call = {.dims = d, .x = {in[0]}, .w = in[1], .b = in[2]};
    call.y = y ? y : check_alloc(n);
    call.saved = check_scratch(op_groupnorm.saved_floats(d));
    call.scratch = scratch_for(&op_groupnorm, d);
    op_groupnorm.forward(&call);
    return call;
}

/* mean and rstd [2][N,G] of x. */
static float *norm_saved(const GroupNormDims *d, float *y, float *const *in)
{
    return norm_forward(d, y, in).saved;
}

static void norm_backward(const GroupNormDims *d, float *const *g, const float *dy,
                          float *const *in)
{
    OpCall call = norm_forward(d, NULL, in);
    call.dy = dy, call.dx[0] = g[0], call.dw = g[1], call.db = g[2];
    op_groupnorm.backward(&call);
}

static void norm_tangent(const GroupNormDims *d, float *ydot, const float *xdot, float *const *in)
{
    OpCall call = norm_forward(d, NULL, in);
    call.xdot[0] = xdot, call.ydot = ydot;
    op_groupnorm.tangent(&call);
}

static void norm_backward2(const GroupNormDims *d, float *const *g, const float *dy,
                           const float *ly, const float *xdot, float *const *in)
{
    OpCall call = norm_forward(d, NULL, in);
    call.dy = dy, call.dx[0] = g[0], call.dw = g[1], call.db = g[2];
    call.ly = ly, call.xdot[0] = xdot;
    op_groupnorm.backward2(&call);
}

/* T, C, G, eps: one channel a group, one group, widths around the vector lengths, several tiles. */
static const GroupNormDims norms[] = {{0, 16, 8, 4, 1e-6f, false},   {0, 9, 6, 6, 1e-5f, false},
                                      {0, 7, 21, 3, 1e-5f, false},   {0, 20, 5, 1, 0.1f, false},
                                      {0, 64, 64, 32, 1e-6f, false}, {0, 900, 48, 8, 1e-6f, false},
                                      {0, 2, 34, 2, 1e-5f, false}};
enum { NORMS = sizeof norms / sizeof *norms };

static void norm_formula(const PassCase *c, double *y, double **x)
{
    const GroupNormDims *d = c->dims;
    int size = d->C / d->G, values = d->T * size;
    for (int g = 0; g < c->N * d->G; g++) {
        size_t first = (size_t)(g / d->G * d->T * d->C + g % d->G * size);
        double mean = 0, variance = 0;
        for (int v = 0; v < values; v++) mean += x[0][first + (size_t)(v / size * d->C + v % size)];
        mean /= values;
        for (int v = 0; v < values; v++) {
            double u = x[0][first + (size_t)(v / size * d->C + v % size)] - mean;
            variance += u * u / values;
        }
        double rstd = 1 / sqrt(variance + (double)d->eps);
        for (int v = 0; v < values; v++) {
            size_t at = first + (size_t)(v / size * d->C + v % size);
            int channel = g % d->G * size + v % size;
            double z = x[WEIGHTS][channel] * (x[0][at] - mean) * rstd + x[BIAS][channel];
            y[at] = d->silu ? z / (1 + exp(-z)) : z;
        }
    }
}

TEST(groupnorm_passes_agree_with_the_formula)
{
    for (int i = 0; i < 2 * NORMS; i++) {
        GroupNormDims d = norms[i / 2];
        d.silu = i % 2;
        PassCase c = {.op = &op_groupnorm, .dims = &d, .N = 3, .inputs = 1, .active = 1};
        c.per[0] = c.out = (size_t)d.T * (size_t)d.C;
        c.per[WEIGHTS] = c.per[BIAS] = (size_t)d.C;
        c.offset = 0.5f;
        c.formula = norm_formula;
        check_passes(&c);
    }
}

/* Cotangents of x, w, b from dy with 20 images, which threads take whole, are those of 3 images,
 * whose tiles the threads share (with 2 threads): each image's own to the bit. */
TEST(groupnorm_bits_do_not_depend_on_how_threads_share_the_work)
{
    GroupNormDims d = {.N = 20, .T = 700, .C = 40, .G = 5, .eps = 1e-6f, .silu = true};
    size_t n = 20 * 700 * 40, first = 3 * 700 * 40;
    float *in[3] = {check_random(n, 1, 2), check_random(40, 2, 1), check_random(40, 3, 1)};
    float *dy = check_random(n, 4, 1), *my = check_random(n, 5, 1);
    float *out[2][3];
    for (int j = 0; j < 2; j++) {
        d.N = j ? 3 : 20;
        for (int pass = 0; pass < 3; pass++) out[j][pass] = check_alloc(n);
        float *dx[3] = {out[j][1], NULL, NULL}, *mx[3] = {out[j][2], NULL, NULL};
        norm_saved(&d, out[j][0], in);
        norm_backward(&d, dx, dy, in);
        norm_backward2(&d, mx, my, dy, my, in);
    }
    for (int pass = 0; pass < 3; pass++) {
        EXPECT_SAME(out[1][pass], out[0][pass], first * sizeof(float));
    }
}

/* All results for the first `groups` groups of 3 channels: y, dx, dw, db, ydot, mx, mw, mb. */
enum { RESULTS = 8, GROUP_CHANNELS = 3 };
typedef struct {
    float *of[RESULTS];
} NormResults;

static float *first_channels(const float *x, int rows, int from, int to)
{
    float *y = check_alloc((size_t)(rows * to));
    for (int r = 0; r < rows; r++)
        memcpy(y + (size_t)(r * to), x + (size_t)(r * from), (size_t)to * sizeof *y);
    return y;
}

static NormResults norm_results(GroupNormDims d, int channels, float *const *all, bool silu)
{
    NormResults r;
    float *in[6]; /* x, w, b, dy, xdot, ly */
    d.G = channels / GROUP_CHANNELS, d.silu = silu;
    for (int j = 0; j < 6; j++) {
        bool parameter = j == 1 || j == 2;
        in[j] = first_channels(all[j], parameter ? 1 : d.T, d.C, channels);
    }
    for (int j = 0; j < RESULTS; j++) r.of[j] = check_alloc((size_t)(d.T * channels));
    d.C = channels;
    norm_forward(&d, r.of[0], in);
    norm_backward(&d, r.of + 1, in[3], in);
    norm_tangent(&d, r.of[4], in[4], in);
    norm_backward2(&d, r.of + 5, in[3], in[5], in[4], in);
    for (int j = 0; j < 6; j++) check_free(in[j]);
    return r;
}

/* 1 to 14 groups: channels lie in whole vectors, several at a time or one, and in the rest. */
TEST(groupnorm_bits_of_a_group_do_not_depend_on_the_channels_beside_it)
{
    enum { T = 41, C = 14 * GROUP_CHANNELS };
    GroupNormDims d = {.N = 1, .T = T, .C = C, .eps = 1e-6f};
    float *in[6];
    for (int j = 0; j < 6; j++) in[j] = check_random(T * C, 60 + (unsigned)j, 1);
    for (int silu = 0; silu < 2; silu++) {
        NormResults all = norm_results(d, C, in, silu);
        for (int channels = GROUP_CHANNELS; channels < C; channels += GROUP_CHANNELS) {
            NormResults some = norm_results(d, channels, in, silu);
            for (int j = 0; j < RESULTS; j++) {
                int rows = j == 0 || j == 1 || j == 4 || j == 5 ? T : 1;
                float *expected = first_channels(all.of[j], rows, C, channels);
                if (!EXPECT_SAME(some.of[j], expected,
                                 (size_t)(rows * channels) * sizeof *expected))
                    printf("  %s, result %d of %d channels\n", vec_level(), j, channels);
            }
        }
        for (int j = 0; j < RESULTS; j++) check_free(all.of[j]);
    }
    for (int j = 0; j < 6; j++) check_free(in[j]);
}

/* Sums over T of x and x^2 of `width` channels from `first` on, as [N,2,width]. */
static double *channel_sums(const GroupNormDims *d, const float *x, int first, int width)
{
    double *sums = calloc((size_t)d->N * 2 * (size_t)width + 1, sizeof *sums);
    if (!sums) abort();
    for (int n = 0; n < d->N; n++) {
        double *sum = sums + (size_t)n * 2 * (size_t)width;
        for (int t = 0; t < d->T; t++)
            for (int c = 0; c < width; c++) {
                double v = (double)x[(size_t)(n * d->T + t) * (size_t)d->C + (size_t)(first + c)];
                sum[c] += v;
                sum[width + c] += v * v;
            }
    }
    return sums;
}

/* The border between the two tables falls between groups, within one, and at the end. */
TEST(groupnorm_from_given_sums_equals_groupnorm)
{
    static const int borders[] = {48, 24, 13, 1};
    static const float means[] = {0, 60};
    for (int i = 0; i < 16; i++) {
        GroupNormDims d = {.N = i & 1 ? 9 : 2, .T = 75, .C = 48, .G = 6, .eps = 1e-6f};
        d.silu = i & 2;
        int border = borders[i / 4];
        size_t n = (size_t)d.N * 75 * 48, groups = (size_t)d.N * 6;
        float *in[3] = {check_random(n, 1, 2), check_random(48, 2, 1), check_random(48, 3, 1)};
        for (int m = 0; m < 2; m++) {
            for (size_t at = 0; at < n; at++) in[0][at] += means[m]; /* 30 times the spread */
            float *expected = check_alloc(n), *saved = norm_saved(&d, expected, in);
            float *y = check_scratch(n), *given = check_scratch(2 * groups);
            double *a = channel_sums(&d, in[0], 0, border);
            double *b = channel_sums(&d, in[0], border, 48 - border);
            op_groupnorm.forward(&(OpCall){.dims = &d,
                                           .y = y,
                                           .x = {in[0]},
                                           .channels_a = border,
                                           .sums_in = {a, border < 48 ? b : NULL},
                                           .w = in[1],
                                           .b = in[2],
                                           .saved = given,
                                           .scratch = scratch_for(&op_groupnorm, &d)});
            EXPECT_CLOSE(y, expected, n, m ? 4e-6 : 1e-6);
            EXPECT_CLOSE(given, saved, groups, 1e-6);
            EXPECT_CLOSE(given + groups, saved + groups, groups, 1e-6);
            free(a), free(b);
        }
    }
}

/* Columns first .. first+width-1 of x [rows,C]. */
static float *columns(const float *x, size_t rows, size_t C, size_t first, size_t width)
{
    float *part = check_alloc(rows * width);
    for (size_t row = 0; row < rows; row++)
        memcpy(part + row * width, x + row * C + first, width * sizeof *x);
    return part;
}

static void check_two_parts(int N, int border, bool silu, bool given)
{
    GroupNormDims d = {.N = N, .T = 475, .C = 85, .G = 5, .eps = 1e-6f, .silu = silu};
    int rest = 85 - border;
    size_t rows = (size_t)d.N * 475, n = rows * 85, groups = (size_t)d.N * 5;
    float *in[3] = {check_random(n, 1, 2), check_random(85, 2, 1), check_random(85, 3, 1)};
    float *expected = check_alloc(n), *y = check_alloc(n), *saved = check_alloc(4 * groups);
    float *a = columns(in[0], rows, 85, 0, (size_t)border);
    float *b = columns(in[0], rows, 85, (size_t)border, (size_t)rest);
    double *sums_a = given ? channel_sums(&d, in[0], 0, border) : NULL;
    double *sums_b = given ? channel_sums(&d, in[0], border, rest) : NULL;
    OpCall call = {.dims = &d, .w = in[1], .b = in[2], .channels_a = border};
    call.sums_in[0] = sums_a, call.sums_in[1] = sums_b;
    call.scratch = scratch_for(&op_groupnorm, &d);
    call.x[0] = in[0], call.y = expected, call.saved = saved;
    op_groupnorm.forward(&call);
    float *other = saved + 2 * groups;
    call.x[0] = a, call.x[1] = b, call.y = y, call.saved = other;
    op_groupnorm.forward(&call);
    EXPECT(memcmp(y, expected, n * sizeof *y) == 0);
    EXPECT(memcmp(saved, other, 2 * groups * sizeof *saved) == 0);
    free(sums_a), free(sums_b);
}

/* By tiles that the threads share, and by whole images. */
TEST(groupnorm_of_two_parts_has_the_bits_of_their_concat_for_any_threads)
{
    static const int borders[] = {64, 48, 32, 16};
    FOR_THREADS(threads)
    {
        for (int i = 0; i < 4 * 8; i++)
            check_two_parts(i & 1 ? 9 : 2, borders[i / 8], i & 2, i & 4);
        (void)threads;
    }
}

/* Sums are made in float about a pivot for some rows at a time: numbers of rows around that, widths
 * around the vectors', a large mean, and one row far off that becomes a pivot. */
TEST(groupnorm_statistics_are_exact_for_every_shape)
{
    static const int rows[] = {1, 2, 7, 31, 32, 33, 65, 150},
                     widths[] = {1, 3, 16, 17, 33, 80, 145};
    for (int i = 0; i < 2 * 8 * 7; i++) {
        bool far = i >= 8 * 7;
        GroupNormDims d = {.N = 1, .T = rows[i % 8], .C = widths[i / 8 % 7], .G = 1, .eps = 1e-3f};
        size_t n = (size_t)d.T * (size_t)d.C;
        float *in[3] = {check_random(n, 1, 1), check_alloc((size_t)d.C), check_alloc((size_t)d.C)};
        for (size_t at = 0; at < n; at++) in[0][at] += far && at < (size_t)d.C ? 90 : 30;
        double mean = 0, variance = 0;
        for (size_t at = 0; at < n; at++) mean += (double)in[0][at] / (double)n;
        for (size_t at = 0; at < n; at++) {
            double u = (double)in[0][at] - mean;
            variance += u * u / (double)n;
        }
        float *saved = norm_saved(&d, NULL, in);
        double rstd = 1 / sqrt(variance + (double)d.eps);
        EXPECT_NEAR((double)saved[0], mean, 2e-7 * mean);
        EXPECT_NEAR((double)saved[1], rstd, (far ? 4e-6 : 4e-7) * rstd);
    }
}

/* Values a million times larger than their spread: the statistics must come from double. */
TEST(groupnorm_statistics_survive_a_large_mean)
{
    GroupNormDims d = {.N = 1, .T = 512, .C = 8, .G = 2, .eps = 0, .silu = false};
    float *in[3] = {check_alloc(512 * 8), check_alloc(8), check_alloc(8)};
    for (int i = 0; i < 512 * 8; i++) in[0][i] = 4096.0f + (i & 16 ? 1.0f : -1.0f) / 256;
    float *y = check_alloc(512 * 8), *saved = norm_saved(&d, y, in);
    for (int g = 0; g < 2; g++) {
        EXPECT(saved[g] == 4096.0f);
        EXPECT_NEAR((double)saved[2 + g], 256, 256 * 1e-4);
    }
}

TEST(groupnorm_passes_nan_on)
{
    GroupNormDims d = {.N = 1, .T = 6, .C = 8, .G = 2, .eps = 1e-6f, .silu = true};
    float *in[3] = {check_random(48, 1, 1), check_random(8, 2, 1), check_random(8, 3, 1)};
    float *y = check_alloc(48);
    in[0][9] = NAN;
    norm_saved(&d, y, in);
    for (int i = 0; i < 48; i++) EXPECT(isnan(y[i]) == (i % 8 < 4));
}

TEST(groupnorm_forward_agrees_with_the_formula_in_double)
{
    for (int i = 0; i < 2 * NORMS; i++) {
        GroupNormDims d = norms[i / 2];
        d.N = 2;
        d.silu = i % 2;
        int size = d.C / d.G, values = d.T * size;
        size_t n = 2 * (size_t)d.T * (size_t)d.C;
        float *in[3] = {check_random(n, 1, 2), check_random((size_t)d.C, 2, 1),
                        check_random((size_t)d.C, 3, 1)};
        for (size_t at = 0; at < n; at++) in[0][at] += 5;
        float *y = check_scratch(n), *expected = check_alloc(n), *saved = norm_saved(&d, y, in);
        for (int g = 0; g < 2 * d.G; g++) {
            const float *x = in[0] + (size_t)(g / d.G) * (size_t)(d.T * d.C);
            double mean = 0, variance = 0;
            for (int v = 0; v < values; v++)
                mean += (double)x[v / size * d.C + g % d.G * size + v % size] / values;
            for (int v = 0; v < values; v++) {
                double u = (double)x[v / size * d.C + g % d.G * size + v % size] - mean;
                variance += u * u / values;
            }
            double rstd = 1 / sqrt(variance + (double)d.eps);
            EXPECT_NEAR((double)saved[g], mean, 1e-6 * fabs(mean));
            EXPECT_NEAR((double)saved[2 * d.G + g], rstd, 1e-6 * rstd);
            for (int v = 0; v < values; v++) {
                int c = g % d.G * size + v % size;
                size_t at = (size_t)(v / size * d.C + c);
                double z = (double)in[1][c] * ((double)x[at] - mean) * rstd + (double)in[2][c];
                expected[(size_t)(g / d.G) * (size_t)(d.T * d.C) + at] =
                    (float)(d.silu ? z / (1 + exp(-z)) : z);
            }
        }
        if (!EXPECT_CLOSE(y, expected, n, 2e-6)) printf("  shape %d\n", i);
    }
}

TEST(groupnorm_levels_agree_with_plain)
{
    GroupNormDims d = {.N = 2, .T = 50, .C = 42, .G = 7, .eps = 1e-6f, .silu = true};
    size_t n = 2 * 50 * 42;
    float *in[3] = {check_random(n, 1, 2), check_random(42, 2, 1), check_random(42, 3, 1)};
    float *my = check_random(n, 4, 1), *ly = check_random(n, 5, 1), *xdot = check_random(n, 6, 1);
    float *expected[2] = {NULL, NULL};
    for (int level = SIMD_PLAIN; level < SIMD_LEVELS; level++) {
        if (!vec_set_level((SimdLevel)level)) continue;
        float *y = check_alloc(n), *m[3] = {check_alloc(n), check_alloc(42), check_alloc(42)};
        norm_saved(&d, y, in);
        norm_backward2(&d, m, my, ly, xdot, in);
        if (level == SIMD_PLAIN) {
            expected[0] = test_floats(n), expected[1] = test_floats(n);
            memcpy(expected[0], y, n * sizeof *y);
            memcpy(expected[1], m[0], n * sizeof *y);
        }
        EXPECT_CLOSE(y, expected[0], n, 3e-7);
        EXPECT_CLOSE(m[0], expected[1], n, 1e-6);
    }
    EXPECT(vec_init(NULL));
}
