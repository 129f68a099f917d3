/* Attention: four passes against softmax(q k^T / sqrt(D)) v in double. */
#include "diffc/ops.h"
#include "diffc/parallel.h"
#include "four_passes.h"

static AttentionDims dims_of(const OpCase *op)
{
    AttentionDims d = *(const AttentionDims *)op->shape;
    d.N = op->N;
    return d;
}

/* As long as promised and not longer, full of NaN: a sanitizer sees any reach beyond. */
static float *scratch_new(const AttentionDims *d)
{
    size_t n = attention_scratch_floats(d);
    float *scratch = test_floats(n);
    for (size_t i = 0; i < n; i++) scratch[i] = NAN;
    return scratch;
}

/* Whether the passes after forward get the weights that it leaves. */
static bool keeps;

/* Those of an op at x, or NULL: as long as promised, so that a sanitizer sees any reach beyond. */
static float *saved_new(const AttentionDims *d, float **x)
{
    if (!keeps) return NULL;
    size_t n = (size_t)d->N * (size_t)d->T * (size_t)d->heads * (size_t)d->D;
    float *saved = test_floats(attention_saved_floats(d)), *y = test_floats(n);
    float *scratch = scratch_new(d);
    attention_forward(d, y, saved, x[0], x[1], x[2], scratch);
    free(scratch);
    free(y);
    return saved;
}

static void forward(const OpCase *op, float *y, float **x)
{
    AttentionDims d = dims_of(op);
    float *scratch = scratch_new(&d), *saved = saved_new(&d, x);
    attention_forward(&d, y, saved, x[0], x[1], x[2], scratch);
    free(saved);
    free(scratch);
}

static void tangent(const OpCase *op, float *ydot, float **x, float **xdot)
{
    AttentionDims d = dims_of(op);
    float *scratch = scratch_new(&d), *saved = saved_new(&d, x);
    attention_tangent(&d, ydot, x[0], x[1], x[2], xdot[0], xdot[1], xdot[2], saved, scratch);
    free(saved);
    free(scratch);
}

static void backward(const OpCase *op, float **dx, float *dy, float **x)
{
    AttentionDims d = dims_of(op);
    float *scratch = scratch_new(&d), *saved = saved_new(&d, x);
    attention_backward(&d, passes_set, dx[0], dx[1], dx[2], dy, x[0], x[1], x[2], saved, scratch);
    free(saved);
    free(scratch);
}

static void backward2(const OpCase *op, float **mx, float *my, float *ly, float **x, float **xdot)
{
    AttentionDims d = dims_of(op);
    float *scratch = scratch_new(&d), *saved = saved_new(&d, x);
    attention_backward2(&d, passes_set, mx[0], mx[1], mx[2], my, ly, x[0], x[1], x[2], xdot[0],
                        xdot[1], xdot[2], saved, scratch);
    free(saved);
    free(scratch);
}

/* y of one query of one head. */
static void reference_row(const AttentionDims *d, double *y, const double *q, const double *k,
                          const double *v, double *weight)
{
    int stride = d->heads * d->D;
    double largest = -HUGE_VAL, sum = 0;
    for (int j = 0; j < d->T; j++) {
        weight[j] = 0;
        for (int c = 0; c < d->D; c++) weight[j] += q[c] * k[j * stride + c] / sqrt(d->D);
        largest = fmax(largest, weight[j]);
    }
    for (int j = 0; j < d->T; j++) sum += weight[j] = exp(weight[j] - largest);
    for (int c = 0; c < d->D; c++) {
        y[c] = 0;
        for (int j = 0; j < d->T; j++) y[c] += weight[j] / sum * v[j * stride + c];
    }
}

static void reference(const OpCase *op, double *y, double **x)
{
    AttentionDims d = dims_of(op);
    size_t stride = (size_t)d.heads * (size_t)d.D, image = (size_t)d.T * stride;
    double *weight = calloc((size_t)d.T, sizeof *weight);
    for (size_t n = 0; n < (size_t)d.N; n++) {
        for (size_t h = 0; h < (size_t)d.heads; h++) {
            size_t keys = n * image + h * (size_t)d.D;
            for (size_t t = 0; t < (size_t)d.T; t++)
                reference_row(&d, y + keys + t * stride, x[0] + keys + t * stride, x[1] + keys,
                              x[2] + keys, weight);
        }
    }
    free(weight);
}

static OpCase attention_case(const AttentionDims *d, const char *name)
{
    size_t per = (size_t)d->T * (size_t)d->heads * (size_t)d->D;
    return (OpCase){
        .name = name,
        .shape = d,
        .sets = true,
        .N = d->N,
        .inputs = 3,
        .active = 3,
        .per = {per, per, per},
        .out = per,
        .forward = forward,
        .tangent = tangent,
        .backward = backward,
        .backward2 = backward2,
        .reference = reference,
    };
}

static void check_shape(AttentionDims d)
{
    char name[64];
    snprintf(name, sizeof name, "attention N %d T %d heads %d D %d", d.N, d.T, d.heads, d.D);
    OpCase op = attention_case(&d, name);
    check_four_passes(&op);
}

TEST(attention_passes_agree_with_the_formula_for_small_and_odd_shapes)
{
    check_shape((AttentionDims){2, 4, 1, 5});
    check_shape((AttentionDims){3, 49, 2, 8});
    check_shape((AttentionDims){1, 16, 4, 3});
    check_shape((AttentionDims){2, 7, 3, 1});
    check_shape((AttentionDims){2, 9, 1, 32});
}

TEST(attention_passes_agree_with_the_formula_across_tiles_of_query_rows)
{
    check_shape((AttentionDims){1, 64, 1, 6});
    check_shape((AttentionDims){1, 33, 2, 2});
    check_shape((AttentionDims){2, 65, 1, 3});
    check_shape((AttentionDims){1, 130, 2, 4});
    check_shape((AttentionDims){1, 260, 1, 2});
}

/* With one token the weights are 1 whatever q and k are: y = v, and only v has a derivative. */
TEST(attention_to_a_single_token_copies_it)
{
    AttentionDims d = {2, 1, 2, 3};
    size_t n = 12;
    OpCase op = attention_case(&d, "one token");
    Passes s = {0};
    passes_fill(&op, &s);
    passes_run(&op, &s, ~0u);
    EXPECT_CLOSE(s.y, s.x[2], n, 1e-7);
    EXPECT_CLOSE(s.ydot, s.xdot[2], n, 1e-6);
    EXPECT_CLOSE(s.dx[2], s.dy, n, 1e-7);
    EXPECT_CLOSE(s.mx[2], s.my, n, 1e-6);
    for (size_t i = 0; i < n; i++) {
        EXPECT_NEAR((double)s.dx[0][i], 0, 1e-6);
        EXPECT_NEAR((double)s.dx[1][i], 0, 1e-6);
        EXPECT_NEAR((double)s.mx[0][i], 0, 1e-5);
        EXPECT_NEAR((double)s.mx[1][i], 0, 1e-5);
    }
    passes_free(&op, &s);
}

/* q = 0: all weights are 1/T. */
TEST(attention_without_preference_is_the_mean_of_the_values)
{
    AttentionDims d = {1, 70, 1, 4};
    OpCase op = attention_case(&d, "uniform");
    Passes s = {0};
    passes_fill(&op, &s);
    memset(s.x[0], 0, input_floats(&op, 0) * sizeof(float));
    passes_run(&op, &s, ~0u);
    for (int c = 0; c < d.D; c++) {
        double mean = 0;
        for (int t = 0; t < d.T; t++) mean += (double)s.x[2][t * d.D + c] / d.T;
        for (int t = 0; t < d.T; t++) EXPECT_NEAR((double)s.y[t * d.D + c], mean, 1e-6);
    }
    passes_free(&op, &s);
}

/* One vector added to all keys moves every logit of a query alike, so the sum of dk is zero. */
TEST(attention_does_not_see_a_shift_of_all_keys)
{
    AttentionDims d = {1, 100, 2, 8};
    OpCase op = attention_case(&d, "shift of keys");
    int columns = d.heads * d.D;
    Passes s = {0}, moved;
    passes_fill(&op, &s);
    passes_run(&op, &s, ~0u);
    for (int c = 0; c < columns; c++) {
        double sum = 0, size = 0;
        for (int t = 0; t < d.T; t++) {
            sum += (double)s.dx[1][t * columns + c];
            size += fabs((double)s.dx[1][t * columns + c]);
        }
        EXPECT(size > 0);
        EXPECT_NEAR(sum, 0, 1e-6 * size);
    }
    moved = s;
    for (int i = 0; i < d.T * columns; i++) s.x[1][i] += (float)(i % columns) * 0.25f - 1;
    passes_run(&op, &moved, ~0u);
    EXPECT_CLOSE(moved.y, s.y, output_floats(&op), 1e-5);
    EXPECT_CLOSE(moved.dx[2], s.dx[2], input_floats(&op, 2), 1e-5);
    passes_free_outputs(&op, &moved);
    passes_free(&op, &s);
}

/* Logits of about 1e4: each query takes the value of its best key, and nothing overflows. */
TEST(attention_with_huge_logits_is_finite_and_picks_the_largest)
{
    AttentionDims d = {1, 66, 1, 1};
    OpCase op = attention_case(&d, "huge logits");
    Passes s = {0};
    passes_fill(&op, &s);
    int best = 0, worst = 0;
    for (int t = 0; t < d.T; t++) {
        s.x[0][t] = t % 2 ? -100 : 100;
        s.x[1][t] *= 100;
        if (s.x[1][t] > s.x[1][best]) best = t;
        if (s.x[1][t] < s.x[1][worst]) worst = t;
    }
    passes_run(&op, &s, ~0u);
    for (int t = 0; t < d.T; t++) {
        EXPECT_NEAR((double)s.y[t], (double)s.x[2][t % 2 ? worst : best], 1e-6);
        EXPECT(isfinite(s.ydot[t]));
        for (int i = 0; i < 3; i++) EXPECT(isfinite(s.dx[i][t]) && isfinite(s.mx[i][t]));
    }
    passes_free(&op, &s);
}

TEST(attention_lets_a_nan_through)
{
    AttentionDims d = {2, 5, 1, 2};
    OpCase op = attention_case(&d, "NaN");
    Passes s = {0};
    passes_fill(&op, &s);
    s.x[1][3] = NAN;
    passes_run(&op, &s, ~0u);
    for (int i = 0; i < 10; i++) {
        EXPECT(isnan(s.y[i]));
        EXPECT(isfinite(s.y[10 + i]));
    }
    passes_free(&op, &s);
}

TEST(attention_scratch_is_a_tile_for_each_thread_not_a_square)
{
    AttentionDims d = {8, 1024, 4, 16};
    parallel_set_threads(1);
    size_t one = attention_scratch_floats(&d);
    EXPECT(one < (size_t)1024 * 1024);
    parallel_set_threads(3);
    EXPECT_INT((long long)attention_scratch_floats(&d), (long long)(3 * one));
    d.N = 1;
    EXPECT_INT((long long)attention_scratch_floats(&d), (long long)(3 * one));
}

/* One tile and several, one head and more, few heads for the threads and many. */
TEST(attention_with_kept_weights_has_the_bits_of_attention_without)
{
    static const AttentionDims shapes[] = {
        {2, 9, 1, 32}, {3, 10, 2, 5}, {1, 130, 1, 66}, {1, 260, 1, 130}, {9, 40, 1, 20}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        const AttentionDims *d = &shapes[i];
        OpCase op = attention_case(d, "kept weights");
        Passes s = {0};
        passes_fill(&op, &s);
        passes_run(&op, &s, ~0u);
        FOR_THREADS(threads)
        {
            Passes kept = s;
            keeps = true;
            passes_run(&op, &kept, ~0u);
            keeps = false;
            if (!passes_same(&op, &kept, &s)) printf("  shape %zu, %d threads\n", i, threads);
            passes_free_outputs(&op, &kept);
        }
        test_thread_count(4);
        passes_free(&op, &s);
    }
}

TEST(attention_keeps_weights_where_they_are_no_larger_than_queries_and_keys)
{
    AttentionDims d = {3, 64, 2, 32};
    EXPECT(attention_saved_floats(&d) >= (size_t)3 * 2 * 64 * 64);
    EXPECT(attention_saved_floats(&d) <= (size_t)3 * 2 * 64 * (64 + 32));
    d.T = 65;
    EXPECT_INT((long long)attention_saved_floats(&d), 0);
}
