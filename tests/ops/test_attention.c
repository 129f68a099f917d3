/* Attention: passes against softmax(q k^T / sqrt(D)) v in double. */
#include "base/parallel.h"
#include "ops/ops.h"
#include "passes.h"

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

static void formula(const PassCase *c, double *y, double **x)
{
    AttentionDims d = *(const AttentionDims *)c->dims;
    d.N = c->N;
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

static PassCase attention_case(const AttentionDims *d)
{
    PassCase c = {.op = &op_attention, .dims = d, .N = d->N, .inputs = 3, .active = 3};
    c.out = c.per[0] = c.per[1] = c.per[2] = (size_t)d->T * (size_t)d->heads * (size_t)d->D;
    c.without_saved = true;
    c.formula = formula;
    return c;
}

static void check_shape(AttentionDims d)
{
    PassCase c = attention_case(&d);
    check_passes(&c);
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
    PassCase op = attention_case(&d);
    Passes s = {0};
    passes_fill(&op, &s);
    passes_run(&op, &s, ~0u, 0);
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
    passes_free(&s);
}

/* q = 0: all weights are 1/T. */
TEST(attention_without_preference_is_the_mean_of_the_values)
{
    AttentionDims d = {1, 70, 1, 4};
    PassCase op = attention_case(&d);
    Passes s = {0};
    passes_fill(&op, &s);
    memset(s.x[0], 0, tensor_floats(&op, 0) * sizeof(float));
    passes_run(&op, &s, ~0u, 0);
    for (int c = 0; c < d.D; c++) {
        double mean = 0;
        for (int t = 0; t < d.T; t++) mean += (double)s.x[2][t * d.D + c] / d.T;
        for (int t = 0; t < d.T; t++) EXPECT_NEAR((double)s.y[t * d.D + c], mean, 1e-6);
    }
    passes_free(&s);
}

/* One vector added to all keys moves every logit of a query alike, so the sum of dk is zero. */
TEST(attention_does_not_see_a_shift_of_all_keys)
{
    AttentionDims d = {1, 100, 2, 8};
    PassCase op = attention_case(&d);
    int columns = d.heads * d.D;
    Passes s = {0}, moved;
    passes_fill(&op, &s);
    passes_run(&op, &s, ~0u, 0);
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
    passes_run(&op, &moved, ~0u, 0);
    EXPECT_CLOSE(moved.y, s.y, output_floats(&op), 1e-5);
    EXPECT_CLOSE(moved.dx[2], s.dx[2], tensor_floats(&op, 2), 1e-5);
    passes_free_outputs(&moved);
    passes_free(&s);
}

/* Logits of about 1e4: each query takes the value of its best key, and nothing overflows. */
TEST(attention_with_huge_logits_is_finite_and_picks_the_largest)
{
    AttentionDims d = {1, 66, 1, 1};
    PassCase op = attention_case(&d);
    Passes s = {0};
    passes_fill(&op, &s);
    int best = 0, worst = 0;
    for (int t = 0; t < d.T; t++) {
        s.x[0][t] = t % 2 ? -100 : 100;
        s.x[1][t] *= 100;
        if (s.x[1][t] > s.x[1][best]) best = t;
        if (s.x[1][t] < s.x[1][worst]) worst = t;
    }
    passes_run(&op, &s, ~0u, 0);
    for (int t = 0; t < d.T; t++) {
        EXPECT_NEAR((double)s.y[t], (double)s.x[2][t % 2 ? worst : best], 1e-6);
        EXPECT(isfinite(s.ydot[t]));
        for (int i = 0; i < 3; i++) EXPECT(isfinite(s.dx[i][t]) && isfinite(s.mx[i][t]));
    }
    passes_free(&s);
}

TEST(attention_lets_a_nan_through)
{
    AttentionDims d = {2, 5, 1, 2};
    PassCase op = attention_case(&d);
    Passes s = {0};
    passes_fill(&op, &s);
    s.x[1][3] = NAN;
    passes_run(&op, &s, ~0u, 0);
    for (int i = 0; i < 10; i++) {
        EXPECT(isnan(s.y[i]));
        EXPECT(isfinite(s.y[10 + i]));
    }
    passes_free(&s);
}

TEST(attention_scratch_is_a_tile_for_each_thread_not_a_square)
{
    AttentionDims d = {8, 1024, 4, 16};
    parallel_set_threads(1);
    size_t one = op_attention.scratch_floats(&d, parallel_threads());
    EXPECT(one < (size_t)1024 * 1024);
    parallel_set_threads(3); /* one without OpenMP */
    EXPECT_INT((long long)op_attention.scratch_floats(&d, parallel_threads()),
               (long long)((size_t)parallel_threads() * one));
    d.N = 1;
    EXPECT_INT((long long)op_attention.scratch_floats(&d, parallel_threads()),
               (long long)((size_t)parallel_threads() * one));
}

/* One tile and several, one head and more, few heads for the threads and many. */
TEST(attention_with_kept_weights_has_the_bits_of_attention_without)
{
    static const AttentionDims shapes[] = {
        {2, 9, 1, 32}, {3, 10, 2, 5}, {1, 130, 1, 66}, {1, 260, 1, 130}, {9, 40, 1, 20}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        const AttentionDims *d = &shapes[i];
        PassCase op = attention_case(d);
        Passes s = {0};
        passes_fill(&op, &s);
        passes_run(&op, &s, ~0u, 0);
        FOR_THREADS(threads)
        {
            Passes kept = s;
            op.without_saved = false;
            passes_run(&op, &kept, ~0u, 0);
            if (!passes_same(&op, &kept, &s)) printf("  shape %zu, %d threads\n", i, threads);
            passes_free_outputs(&kept);
        }
        test_thread_count(4);
        passes_free(&s);
    }
}

TEST(attention_keeps_weights_where_they_are_no_larger_than_queries_and_keys)
{
    AttentionDims d = {3, 64, 2, 32};
    EXPECT(op_attention.saved_floats(&d) >= (size_t)3 * 2 * 64 * 64);
    EXPECT(op_attention.saved_floats(&d) <= (size_t)3 * 2 * 64 * (64 + 32));
    d.T = 65;
    EXPECT_INT((long long)op_attention.saved_floats(&d), 0);
}
