/* Muon: momentum made orthogonal, against a plain computation in double and what an orthogonal matrix is. */
#include "base/mem.h"
#include "base/parallel.h"
#include "math/vec.h"
#include "test.h"
#include "train/muon.h"
#include "train/optimizer.h"

enum { MOST = 96 * 40 };

static ParamInfo matrix(int rows, int columns)
{
    return (ParamInfo){.rank = 2,
                       .shape = {columns, rows},
                       .layout = LAYOUT_LINEAR,
                       .trainable = true,
                       .count = (size_t)rows * (size_t)columns};
}

/* c = a b, or a^T b where transposed; row-major. */
static void times(double *c, const double *a, const double *b, int M, int N, int K, bool transposed)
{
    for (int i = 0; i < M; i++)
        for (int j = 0; j < N; j++) {
            c[i * N + j] = 0;
            for (int k = 0; k < K; k++)
                c[i * N + j] += (transposed ? a[k * M + i] : a[i * K + k]) * b[k * N + j];
        }
}

/* The definition, always from the right: x (a I + b S + c S^2) with S = x^T x is the same matrix. */
static void plain_orthogonal(double *x, int rows, int columns)
{
    static double square[96 * 96], fourth[96 * 96], next[MOST];
    double norm = 0;
    for (int i = 0; i < rows * columns; i++) norm += x[i] * x[i];
    for (int i = 0; i < rows * columns; i++) x[i] /= sqrt(norm);
    for (int step = 0; step < 5; step++) {
        times(square, x, x, columns, columns, rows, true);
        times(fourth, square, square, columns, columns, columns, false);
        for (int i = 0; i < columns * columns; i++)
            square[i] = -4.7750 * square[i] + 2.0315 * fourth[i];
        for (int i = 0; i < columns; i++) square[i * columns + i] += 3.4445;
        times(next, x, square, rows, columns, columns, false);
        memcpy(x, next, sizeof *x * (size_t)(rows * columns));
    }
}

/* An update of one parameter alone. */
static void update(ParamInfo p, float *w, float *m, const float *g, const MuonStep *step)
{
    const ParamTable table = {.info = &p, .count = 1};
    muon_update(&table, NULL, w, m, g, step, test_floats(muon_scratch_floats(&table)));
}

TEST(muon_is_the_definition_in_double)
{
    static const int sides[][2] = {{16, 16}, {17, 40}, {40, 17}, {96, 40}, {40, 96}};
    for (size_t k = 0; k < sizeof sides / sizeof *sides; k++) {
        const ParamInfo p = matrix(sides[k][0], sides[k][1]);
        const MuonStep step = {.lr = 0.02f, .momentum = 0.9f, .decay = 0.1f, .grad_scale = 0.5f};
        float *w = test_random(p.count, 1, 1), *m = test_random(p.count, 2, 0.1f);
        float *g = test_random(p.count, 3, 1);
        float *want = test_floats(p.count), *want_m = test_floats(p.count);
        static double x[MOST];
        double longer = fmax(sides[k][0], sides[k][1]);
        for (size_t i = 0; i < p.count; i++) {
            double fresh = 0.1 * 0.5 * (double)g[i], kept = 0.9 * (double)m[i] + fresh;
            want_m[i] = (float)kept;
            x[i] = 0.9 * kept + fresh;
        }
        plain_orthogonal(x, sides[k][0], sides[k][1]);
        for (size_t i = 0; i < p.count; i++)
            want[i] = (float)((double)w[i] * (1 - 0.02 * 0.1) - 0.02 * 0.2 * sqrt(longer) * x[i]);
        update(p, w, m, g, &step);
        EXPECT_CLOSE(m, want_m, p.count, 1e-6);
        EXPECT_CLOSE(w, want, p.count, 1e-5);
    }
}

/* The rows of a rotation are orthogonal already: its update is itself, at a length near 1. */
TEST(muon_keeps_the_direction_of_an_orthogonal_matrix)
{
    enum { N = 32 };
    const ParamInfo p = matrix(N, N);
    const MuonStep step = {.lr = 1, .momentum = 0, .grad_scale = 1};
    float *w = test_floats(p.count), *m = test_floats(p.count), *g = test_floats(p.count);
    for (int i = 0; i < N; i++) g[i * N + (i * 5 + 3) % N] = i % 2 ? 7.0f : -7.0f;
    update(p, w, m, g, &step);
    for (int i = 0; i < N * N; i++) {
        double length = -(double)w[i] / (0.2 * sqrt(N));
        if (g[i] == 0)
            EXPECT_NEAR(length, 0, 1e-6);
        else
            EXPECT_NEAR(length * (g[i] > 0 ? 1 : -1), 0.95, 0.27);
    }
}

TEST(muon_of_a_zero_gradient_leaves_the_weights)
{
    const ParamInfo p = matrix(16, 20);
    const MuonStep step = {.lr = 1, .momentum = 0.9f, .grad_scale = 1};
    float *w = test_random(p.count, 1, 1), *same = test_copy(w, p.count);
    update(p, w, test_floats(p.count), test_floats(p.count), &step);
    EXPECT_SAME(w, same, p.count * sizeof *w);
}

TEST(muon_takes_matrices_and_no_other_parameter)
{
    ParamInfo conv = {.rank = 4,
                      .shape = {32, 64, 3, 3},
                      .layout = LAYOUT_CONV,
                      .trainable = true,
                      .count = 32 * 64 * 9};
    EXPECT(muon_takes(&conv));
    conv.shape[1] = 1, conv.count = 32 * 9; /* of the image's one channel */
    EXPECT(!muon_takes(&conv));
    conv.shape[0] = 1, conv.shape[1] = 32; /* to the image's one channel */
    EXPECT(!muon_takes(&conv));
    ParamInfo linear = matrix(16, 16), narrow = matrix(15, 400), bias = matrix(1, 64);
    EXPECT(muon_takes(&linear));
    EXPECT(!muon_takes(&narrow));
    EXPECT(!muon_takes(&bias));
    linear.layout = LAYOUT_PLAIN;
    EXPECT(!muon_takes(&linear));
}

/* Three updates of a table with a matrix and a bias, whose rows are Adam's. */
static void update_thrice(Optimizer *o, const ParamTable *table, OptimizerKind kind)
{
    const OptimizerConfig config = {
        .kind = kind, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8, .clip = 1, .ema = 0.5, .lr = 0.01};
    Err err = {0};
    if (!EXPECT_OK(optimizer_open(o, table, &config, 1, &err), err)) abort();
    test_normals(o->weights, table->block_floats, 4, 1);
    memcpy(o->ema, o->weights, table->block_floats * sizeof(float));
    for (int i = 0; i < 3; i++) {
        test_normals(o->gradients.buffer[0], table->block_floats, 5 + (unsigned)i, 1);
        double norm = optimizer_sum_gradients(o);
        optimizer_update(o, 0.01, norm);
    }
}

TEST(an_update_by_muon_leaves_the_rest_to_adam)
{
    ParamInfo info[2] = {matrix(48, 32),
                         {.rank = 1, .shape = {32}, .trainable = true, .count = 32}};
    info[1].offset = info[0].count;
    const ParamTable table = {
        .info = info, .count = 2, .block_floats = info[0].count + 32, .parameters = 48 * 32 + 32};
    Optimizer adam, first, muon;
    update_thrice(&adam, &table, OPTIMIZER_ADAM);
    parallel_set_threads(1);
    update_thrice(&first, &table, OPTIMIZER_MUON);
    size_t matrix_bytes = info[0].count * sizeof(float), bytes = table.block_floats * sizeof(float);
    EXPECT_SAME(first.weights + info[1].offset, adam.weights + info[1].offset, 32 * sizeof(float));
    EXPECT_SAME(first.ema + info[1].offset, adam.ema + info[1].offset, 32 * sizeof(float));
    EXPECT(memcmp(first.weights, adam.weights, matrix_bytes) != 0);
    FOR_THREADS(threads)
    {
        parallel_set_threads(threads);
        update_thrice(&muon, &table, OPTIMIZER_MUON);
        EXPECT_SAME(muon.weights, first.weights, bytes);
        EXPECT_SAME(muon.m, first.m, bytes);
        EXPECT_SAME(muon.ema, first.ema, bytes);
        optimizer_close(&muon);
    }
    optimizer_close(&adam);
    optimizer_close(&first);
}
