#include <float.h>

#include "math/vec.h"
#include "test.h"

static const AdamStep adam_step = {.lr = 1e-3f,
                                   .b1 = 0.9f,
                                   .b2 = 0.999f,
                                   .eps = 1e-8f,
                                   .decay = 0.01f,
                                   .l2 = 0.1f,
                                   .c1 = 0.1f,
                                   .c2 = 0.001f,
                                   .grad_scale = 0.7f,
                                   .ema_decay = 0.99f};

/* Random values with the extremes in front. */
static float *extremes(size_t n, unsigned tag, float scale)
{
    static const float special[] = {0,      -0.0f,    1,         -1,    1e-30f, -1e-30f, 20,
                                    -20,    87,       -87,       88,    -88,    90,      -90,
                                    104,    -104,     110,       -110,  1e10f,  -1e10f,  3e38f,
                                    -3e38f, INFINITY, -INFINITY, 1e-42f};
    float *x = test_random(n, tag, scale);
    for (size_t i = 0; i < n && i < sizeof special / sizeof *special; i++) x[i] = special[i];
    return x;
}

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

/* Limits at +-infinity included. */
static double silu_slope(double x)
{
    if (fabs(x) > 700) return x > 0;
    double s = sigmoid(x);
    return s * (1 + x * sigmoid(-x));
}

static double silu_curve(double x)
{
    if (fabs(x) > 700) return 0;
    double s = sigmoid(x);
    return s * sigmoid(-x) * (2 + x * (1 - 2 * s));
}

/* What stands for 0 where exp(-|x|) has left the range of floats. */
#define TINY 1e-36

/* |actual - expected| <= tolerance |expected| + TINY, infinities equal. */
static bool near(double actual, double expected, double tolerance)
{
    if (isinf(expected)) return actual == expected;
    return fabs(actual - expected) <= tolerance * fabs(expected) + TINY;
}

TEST(vec_silu_and_its_derivatives_agree_with_double)
{
    enum { N = 4000 };
    float *x = extremes(N, 1, 8), *y = test_floats(N), *one = test_floats(N);
    float *d1 = test_floats(N), *d2 = test_floats(N), *zero = test_floats(N);
    for (int i = 0; i < N; i++) one[i] = 1;
    memset(d2, 0, N * sizeof *d2);
    vec->silu(y, x, N);
    vec->silu_tangent(d1, x, one, N);
    vec->silu_backward2(d2, zero, one, x, one, N);
    for (int i = 0; i < N; i++) {
        double at = (double)x[i], s = sigmoid(at);
        bool ok =
            near((double)y[i], isinf(x[i]) && x[i] < 0 ? 0 : at * s, fabs(at) <= 60 ? 3e-7 : 4e-7);
        /* Near the zeros of the derivatives the terms cancel: absolute there. */
        ok = ok && fabs((double)d1[i] - silu_slope(at)) <
                       (fabs(at) <= 60 ? 4e-7 : 6e-7) * (fabs(silu_slope(at)) + s) + TINY;
        ok = ok && fabs((double)d2[i] - silu_curve(at)) <
                       1e-6 * (fabs(silu_curve(at)) + 2 * s * sigmoid(-at)) + TINY;
        if (!EXPECT(ok)) {
            printf("  %s: x %.9g y %.9g d1 %.9g d2 %.9g expected %.9g %.9g %.9g\n", vec_level(), at,
                   (double)y[i], (double)d1[i], (double)d2[i], at * s, silu_slope(at),
                   silu_curve(at));
            break;
        }
    }
}

TEST(vec_silu_adds_where_it_should_and_keeps_nan)
{
    enum { N = 67 };
    float *x = test_random(N, 2, 2), *dy = test_random(N, 3, 1), *dx = test_random(N, 4, 1);
    float *ly = test_random(N, 5, 1), *xdot = test_random(N, 6, 1), *y = test_floats(N);
    float *sum = test_random(N, 4, 1), *mx = test_random(N, 4, 1);
    vec->silu_backward(sum, dy, x, N);
    vec->silu_backward2(mx, dy, ly, x, xdot, N);
    for (int i = 0; i < N; i++) {
        double at = (double)x[i], expected = (double)dx[i] + silu_slope(at) * (double)dy[i];
        EXPECT_NEAR((double)sum[i], expected, 2e-6);
        expected += silu_curve(at) * (double)xdot[i] * (double)ly[i];
        EXPECT_NEAR((double)mx[i], expected, 2e-6);
    }
    for (int at = 0; at < N; at += 13) {
        x[at] = NAN;
        vec->silu(y, x, N);
        EXPECT(isnan(y[at]));
        vec->silu_tangent(y, x, xdot, N);
        EXPECT(isnan(y[at]));
        for (int i = 0; i < N; i++) EXPECT(i % 13 == 0 || !isnan(y[i]));
        test_normals(x, N, 2, 2);
    }
}

TEST(vec_softmax_agrees_with_double_and_sums_to_one)
{
    enum { N = 131 };
    static const float scales[] = {1, 0.125f, -2, 40};
    for (size_t n = 1; n <= N; n += n < 40 ? 1 : 13) {
        for (int j = 0; j < 4; j++) {
            float *p = test_random(n, 7, 3);
            double most = -HUGE_VAL, sum = 0, total = 0;
            for (size_t i = 0; i < n; i++) {
                double z = (double)p[i] * (double)scales[j];
                if (z > most) most = z; /* GCC 12 for arm64 fails on a loop of fmax */
            }
            float *x = test_random(n, 7, 3);
            for (size_t i = 0; i < n; i++) sum += exp((double)x[i] * (double)scales[j] - most);
            vec->softmax(p, scales[j], n);
            for (size_t i = 0; i < n; i++) {
                double e = exp((double)x[i] * (double)scales[j] - most) / sum;
                /* Rounding scale * x is an error of the exponent's size. */
                EXPECT_NEAR((double)p[i], e, 4e-7 * e * (1 + 40 * 3) + (double)FLT_MIN);
                total += (double)p[i];
            }
            EXPECT_NEAR(total, 1, 1e-6);
        }
    }
}

TEST(vec_softmax_handles_extremes)
{
    float a[19], b[3] = {3e38f, -3e38f, 3e38f}, c[2] = {1, NAN};
    for (int i = 0; i < 19; i++) a[i] = i == 17 ? 5 : -INFINITY;
    vec->softmax(a, 1, 19);
    for (int i = 0; i < 19; i++) EXPECT(a[i] == (i == 17 ? 1 : 0));
    vec->softmax(b, 1, 3);
    EXPECT(b[0] == 0.5f && b[1] == 0 && b[2] == 0.5f);
    vec->softmax(c, 1, 2);
    EXPECT(isnan(c[0]) && isnan(c[1]));
}

TEST(vec_rows_and_sums_agree_with_plain_loops)
{
    enum { N = 77 };
    float *a = test_random(N, 8, 1), *b = test_random(N, 9, 1), *y = test_floats(N);
    for (size_t n = 0; n <= N; n++) {
        double dot = 0, squares = 0;
        for (size_t i = 0; i < n; i++) {
            dot += (double)a[i] * (double)b[i];
            squares += (double)a[i] * (double)a[i];
        }
        EXPECT_NEAR(vec->dot(a, b, n), dot, 1e-13);
        EXPECT_NEAR(vec_sum_squares(a, n), squares, 1e-13);
        vec->add(y, a, b, n);
        for (size_t i = 0; i < n; i++) EXPECT(y[i] == a[i] + b[i]);
        vec_accumulate(y, b, n);
        for (size_t i = 0; i < n; i++) EXPECT(y[i] == (a[i] + b[i]) + b[i]);
        vec->scale(y, 0.3f, a, n);
        for (size_t i = 0; i < n; i++) EXPECT(y[i] == 0.3f * a[i]);
        memcpy(y, b, N * sizeof *y);
        vec->axpy(y, 0.3f, a, n);
        for (size_t i = 0; i < n; i++) EXPECT(y[i] == test_multiply_add(0.3f, a[i], b[i]));
        for (size_t i = n; i < N; i++) EXPECT(y[i] == b[i]);
    }
    static const size_t widths[] = {1, 11, 16, 75}; /* rows of stride n + 2 */
    for (int j = 0; j < 4; j++) {
        size_t n = widths[j];
        float *x = test_random(7 * (n + 2), 30, 1);
        double *sum = calloc(n + 1, sizeof *sum);
        if (!sum) abort();
        vec->column_sums(sum, x, 7, n + 2, n);
        for (size_t i = 0; i < n; i++) {
            double expected = 0;
            for (size_t t = 0; t < 7; t++) expected += (double)x[t * (n + 2) + i];
            EXPECT_NEAR(sum[i], expected, 1e-14);
        }
        EXPECT(sum[n] == 0);
        free(sum);
    }
}

/* Rows that start anywhere, cut anywhere, give the same bits. */
TEST(vec_elementwise_bits_depend_neither_on_alignment_nor_on_the_split)
{
    enum { N = 200 };
    float *x = extremes(N + 16, 10, 3), *g = test_random(N + 16, 11, 1);
    float *whole = test_floats(N), *parts = test_floats(N), *moved = test_floats(N + 16);
    vec->silu(whole, x, N);
    for (size_t i = 0; i < N; i += 7) vec->silu(parts + i, x + i, N - i < 7 ? N - i : 7);
    EXPECT_SAME(whole, parts, N * sizeof *whole);
    memset(whole, 0, N * sizeof *whole), memset(parts, 0, N * sizeof *parts);
    vec->silu_backward2(whole, g, g, x, x, N);
    for (size_t i = 0; i < N; i += 9)
        vec->silu_backward2(parts + i, g + i, g + i, x + i, x + i, N - i < 9 ? N - i : 9);
    EXPECT_SAME(whole, parts, N * sizeof *whole);
    double dot = vec->dot(g, g, N);
    for (int shift = 1; shift < 16; shift++) {
        memcpy(moved + shift, g, N * sizeof *g);
        EXPECT(vec->dot(moved + shift, moved + shift, N) == dot);
        memcpy(moved + shift, g, N * sizeof *g);
        vec->softmax(moved + shift, 1, N);
        memcpy(parts, g, N * sizeof *g);
        vec->softmax(parts, 1, N);
        EXPECT_SAME(moved + shift, parts, N * sizeof *parts);
    }
    AdamStep step = adam_step;
    float *state[2][4];
    for (int j = 0; j < 2; j++)
        for (int s = 0; s < 4; s++) {
            state[j][s] = test_random(N, (unsigned)s, 1);
            if (s == 2)
                for (int i = 0; i < N; i++) state[j][s][i] = fabsf(state[j][s][i]);
        }
    vec->adam(state[0][0], state[0][1], state[0][2], state[0][3], g, N, &step);
    for (size_t i = 0; i < N; i += 7)
        vec->adam(state[1][0] + i, state[1][1] + i, state[1][2] + i, state[1][3] + i, g + i,
                  N - i < 7 ? N - i : 7, &step);
    for (int s = 0; s < 4; s++) {
        EXPECT_SAME(state[0][s], state[1][s], N * sizeof(float));
    }
}

/* Rows of every width against each element alone: the last few elements of a row are computed like
 * those in whole vectors. */
TEST(vec_elementwise_bits_are_those_of_an_element_alone_in_rows_of_every_width)
{
    enum { N = 70, WAYS = 7 };
    float *x = extremes(N, 13, 3), *a = test_random(N, 14, 1), *b = test_random(N, 15, 1);
    float *start = test_random(N, 16, 1), *row = test_floats(N), *alone = test_floats(N);
    for (size_t n = 1; n <= N; n++) {
        for (int way = 0; way < WAYS; way++) {
            memcpy(row, start, n * sizeof *row), memcpy(alone, start, n * sizeof *row);
            for (size_t i = 0, width = n; i < 1 + n;
                 i++, width = 1) { /* the row, then each alone */
                size_t at = i ? i - 1 : 0;
                float *y = (i ? alone : row) + at;
                if (way == 0) vec->silu(y, x + at, width);
                if (way == 1) vec->silu_backward(y, a + at, x + at, width);
                if (way == 2) vec->silu_tangent(y, x + at, a + at, width);
                if (way == 3) vec->silu_backward2(y, a + at, b + at, x + at, b + at, width);
                if (way == 4) vec->axpy(y, 0.3f, a + at, width);
                if (way == 5) vec->scale(y, 0.3f, a + at, width);
                if (way == 6) vec->add(y, a + at, b + at, width);
            }
            if (!EXPECT_SAME(row, alone, n * sizeof *row))
                printf("  %s, way %d, width %zu\n", vec_level(), way, n);
        }
    }
}

/* The formula of vec.h, its multiply-adds as vec_simd.c writes them. */
static void adam_by_hand(float *w, float *m, float *v, float *ema, float grad, const AdamStep *s)
{
    float g = test_multiply_add(s->l2, *w, grad * s->grad_scale);
    *m = test_multiply_add(1 - s->b1, g - *m, *m);
    *v = test_multiply_add(1 - s->b2, test_multiply_add(g, g, -*v), *v);
    float update = *m * (s->lr / s->c1) / (sqrtf(*v * (1 / s->c2)) + s->eps);
    *w = test_multiply_add(-(s->lr * s->decay), *w, *w) - update;
    *ema = test_multiply_add(1 - s->ema_decay, *w - *ema, *ema);
}

TEST(vec_adam_has_the_bits_of_its_formula_for_every_number_of_parameters)
{
    enum { N = 70, LISTS = 4 };
    const AdamStep step = adam_step;
    float *start[LISTS], *list[LISTS], *expected[LISTS], *grad = test_random(N, 17, 1);
    for (int s = 0; s < LISTS; s++) {
        start[s] = test_random(N, 18 + (unsigned)s, 1);
        for (int i = 0; i < N; i++) start[s][i] = s == 2 ? fabsf(start[s][i]) : start[s][i];
        list[s] = test_floats(N), expected[s] = test_floats(N);
    }
    for (size_t n = 1; n <= N; n++) {
        for (int s = 0; s < LISTS; s++) {
            memcpy(list[s], start[s], n * sizeof(float));
            memcpy(expected[s], start[s], n * sizeof(float));
        }
        vec->adam(list[0], list[1], list[2], list[3], grad, n, &step);
        for (size_t i = 0; i < n; i++)
            adam_by_hand(expected[0] + i, expected[1] + i, expected[2] + i, expected[3] + i,
                         grad[i], &step);
        for (int s = 0; s < LISTS; s++)
            if (!EXPECT_SAME(list[s], expected[s], n * sizeof(float)))
                printf("  %s, list %d of %zu parameters\n", vec_level(), s, n);
    }
}

TEST(vec_adam_follows_the_formula)
{
    enum { N = 45 };
    for (int kind = 0; kind < 2; kind++) {
        AdamStep s = {.lr = 2e-3f,
                      .b1 = 0.9f,
                      .b2 = 0.99f,
                      .eps = 1e-6f,
                      .grad_scale = 0.5f,
                      .ema_decay = 0.95f};
        if (kind)
            s.l2 = 0.3f;
        else
            s.decay = 0.2f;
        float *w = test_random(N, 12, 1), *m = test_floats(N), *v = test_floats(N);
        float *ema = test_random(N, 12, 1);
        double dw[N], dm[N] = {0}, dv[N] = {0}, de[N];
        for (int i = 0; i < N; i++) dw[i] = de[i] = (double)w[i];
        for (int t = 1; t <= 5; t++) {
            float *grad = test_random(N, 20 + (unsigned)t, 1);
            s.c1 = (float)(1 - pow(0.9, t));
            s.c2 = (float)(1 - pow(0.99, t));
            vec->adam(w, m, v, ema, grad, N, &s);
            for (int i = 0; i < N; i++) {
                double g = 0.5 * (double)grad[i] + (double)s.l2 * dw[i];
                dm[i] = 0.9 * dm[i] + 0.1 * g;
                dv[i] = 0.99 * dv[i] + 0.01 * g * g;
                dw[i] -=
                    2e-3 * (dm[i] / (1 - pow(0.9, t)) / (sqrt(dv[i] / (1 - pow(0.99, t))) + 1e-6) +
                            (double)s.decay * dw[i]);
                de[i] += 0.05 * (dw[i] - de[i]);
            }
        }
        for (int i = 0; i < N; i++) {
            EXPECT_NEAR((double)w[i], dw[i], 1e-6);
            EXPECT_NEAR((double)m[i], dm[i], 1e-6);
            EXPECT_NEAR((double)v[i], dv[i], 1e-6);
            EXPECT_NEAR((double)ema[i], de[i], 1e-6);
        }
        vec->adam(w, m, v, NULL, ema, N, &s);
    }
}
