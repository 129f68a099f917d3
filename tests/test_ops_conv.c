#include "diffc/ops.h"
#include "ops_check.h"

/* ---- conv2d: inputs x, w, b */

static Conv2dDims conv_dims(void *dims, int N)
{
    Conv2dDims d = *(Conv2dDims *)dims;
    d.N = N;
    return d;
}

static void conv_op_forward(void *dims, int N, float *y, float *const *in)
{
    Conv2dDims d = conv_dims(dims, N);
    float *scratch = check_scratch(conv2d_scratch_floats(&d));
    conv2d_forward(&d, y, in[0], in[1], in[2], scratch);
    check_free(scratch);
}

static void conv_op_backward(void *dims, int N, float *const *g, const float *dy, float *const *in)
{
    Conv2dDims d = conv_dims(dims, N);
    float *scratch = check_scratch(conv2d_scratch_floats(&d));
    conv2d_backward(&d, g[0], g[1], g[2], dy, in[0], in[1], scratch);
    check_free(scratch);
}

static void conv_op_tangent(void *dims, int N, float *ydot, float *const *in, float *const *dot)
{
    Conv2dDims d = conv_dims(dims, N);
    float *scratch = check_scratch(conv2d_scratch_floats(&d));
    conv2d_tangent(&d, ydot, in[0], dot[0], in[1], dot[1], dot[2], scratch);
    check_free(scratch);
}

static void conv_op_backward2(void *dims, int N, float *const *m, const float *my, const float *ly,
                              float *const *in, float *const *dot)
{
    Conv2dDims d = conv_dims(dims, N);
    float *scratch = check_scratch(conv2d_scratch_floats(&d));
    conv2d_backward2(&d, m[0], m[1], m[2], my, ly, in[0], dot[0], in[1], scratch);
    check_free(scratch);
}

/*  H   W   C   K   R  S  stride  top bottom left right */
static const Conv2dDims shapes[] = {
    {0, 8, 8, 5, 7, 3, 3, 1, 1, 1, 1, 1},    /* the ordinary kind */
    {0, 9, 7, 3, 4, 3, 3, 2, 0, 1, 0, 1},    /* diffusers' downsampling */
    {0, 16, 16, 20, 6, 3, 3, 2, 1, 1, 1, 1}, /* even size, stride 2 */
    {0, 6, 11, 17, 33, 1, 1, 1, 0, 0, 0, 0}, /* pointwise */
    {0, 5, 5, 4, 3, 1, 1, 2, 0, 0, 0, 0},    /* pointwise with stride: some inputs unseen */
    {0, 5, 6, 3, 2, 1, 1, 1, 1, 0, 2, 1},    /* pointwise with padding */
    {0, 1, 1, 6, 5, 3, 3, 1, 1, 1, 1, 1},    /* one pixel */
    {0, 2, 3, 2, 3, 5, 5, 1, 2, 2, 2, 2},    /* the kernel is larger than the image */
    {0, 12, 12, 1, 9, 3, 3, 1, 1, 1, 1, 1},  /* one channel in */
    {0, 12, 10, 9, 1, 3, 3, 1, 1, 1, 1, 1},  /* one channel out */
    {0, 10, 9, 2, 3, 4, 2, 3, 1, 2, 0, 3},   /* nothing is symmetric */
    {0, 7, 7, 2, 2, 2, 2, 3, 0, 0, 0, 0},    /* stride above the kernel: pixels nobody reads */
    {0, 8, 8, 3, 2, 3, 3, 1, 4, 3, 5, 3},    /* more padding than kernel */
    {0, 20, 20, 16, 16, 3, 3, 1, 1, 1, 1, 1} /* several tiles in an image */
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

static size_t conv_in_size(const Conv2dDims *d)
{
    return (size_t)d->H * (size_t)d->W * (size_t)d->C;
}

static size_t conv_out_size(const Conv2dDims *d)
{
    return (size_t)conv2d_out_height(d) * (size_t)conv2d_out_width(d) * (size_t)d->K;
}

static size_t conv_weights(const Conv2dDims *d)
{
    return (size_t)d->R * (size_t)d->S * (size_t)d->C * (size_t)d->K;
}

TEST(conv2d_forward_agrees_with_the_reference)
{
    for (int i = 0; i < SHAPES; i++) {
        for (int bias = 0; bias < 2; bias++) {
            Conv2dDims d = shapes[i];
            d.N = 2;
            size_t n = 2 * conv_out_size(&d);
            float *x = check_random(2 * conv_in_size(&d), 1, 1);
            float *w = check_random(conv_weights(&d), 2, 1), *b = check_random((size_t)d.K, 3, 1);
            float *y = check_scratch(n), *expected = check_alloc(n);
            float *scratch = check_scratch(conv2d_scratch_floats(&d));
            conv2d_forward(&d, y, x, w, bias ? b : NULL, scratch);
            conv2d_forward_reference(&d, expected, x, w, bias ? b : NULL);
            if (!EXPECT_CLOSE(y, expected, n, 1e-6)) printf("  shape %d\n", i);
            check_free(x), check_free(w), check_free(b);
            check_free(y), check_free(expected), check_free(scratch);
        }
    }
}

/* One weight per tap and channel, one bright pixel: where it lands is known without any loop. */
TEST(conv2d_reference_places_taps_where_the_formula_says)
{
    Conv2dDims d = {.N = 1,
                    .H = 4,
                    .W = 5,
                    .C = 1,
                    .K = 1,
                    .R = 3,
                    .S = 2,
                    .stride = 2,
                    .pad_top = 1,
                    .pad_bottom = 0,
                    .pad_left = 0,
                    .pad_right = 1};
    EXPECT_INT(conv2d_out_height(&d), 2);
    EXPECT_INT(conv2d_out_width(&d), 3);
    float x[20] = {0}, w[6] = {1, 2, 3, 4, 5, 6}, b = 0.5f, y[6];
    x[1 * 5 + 2] = 10; /* row 1 = tap 2 of output row 0 and tap 0 of output row 1 */
    conv2d_forward_reference(&d, y, x, w, &b);
    float expected[6] = {0.5f, 50.5f, 0.5f, 0.5f, 10.5f, 0.5f};
    EXPECT_SAME(y, expected, sizeof y);
}

TEST(conv2d_keeps_the_promises_of_an_op)
{
    for (int i = 0; i < SHAPES; i++) {
        Conv2dDims d = shapes[i];
        char name[32];
        snprintf(name, sizeof name, "conv2d, shape %d", i);
        CheckOp op = {.name = name,
                      .dims = &d,
                      .inputs = 3,
                      .in = {{.size = conv_in_size(&d)},
                             {.size = conv_weights(&d), .parameter = true},
                             {.size = (size_t)d.K, .parameter = true}},
                      .out_size = conv_out_size(&d),
                      .forward = conv_op_forward,
                      .backward = conv_op_backward,
                      .tangent = conv_op_tangent,
                      .backward2 = conv_op_backward2,
                      .step = 0.5}; /* at most quadratic: differences are exact */
        check_op(&op);
    }
}

/* Enough pixels that the weight gradient is summed in several slots. */
TEST(conv2d_gradients_of_a_large_batch_agree_with_plain_sums)
{
    Conv2dDims d = {.N = 9,
                    .H = 19,
                    .W = 21,
                    .C = 3,
                    .K = 4,
                    .R = 3,
                    .S = 3,
                    .stride = 1,
                    .pad_top = 1,
                    .pad_bottom = 1,
                    .pad_left = 1,
                    .pad_right = 1};
    size_t pixels = 9 * 19 * 21, weights = conv_weights(&d);
    float *x = check_random(pixels * 3, 1, 1), *w = check_random(weights, 2, 1);
    float *dy = check_random(pixels * 4, 3, 1), *dw = check_alloc(weights), *db = check_alloc(4);
    float *dw_sum = check_alloc(weights), *db_sum = check_alloc(4), *first[2] = {NULL, NULL};
    double sum_b[4] = {0};
    for (size_t i = 0; i < pixels * 4; i++) sum_b[i % 4] += (double)dy[i];
    for (int k = 0; k < 4; k++) db_sum[k] = (float)sum_b[k];
    for (int at = 0; at < (int)weights; at++) {
        int k = at % 4, c = at / 4 % 3, s = at / 12 % 3, r = at / 36;
        double sum = 0;
        for (int n = 0; n < 9; n++)
            for (int i = 0; i < 19; i++)
                for (int j = 0; j < 21; j++) {
                    int ih = i + r - 1, iw = j + s - 1;
                    if (ih < 0 || ih >= 19 || iw < 0 || iw >= 21) continue;
                    sum += (double)x[((n * 19 + ih) * 21 + iw) * 3 + c] *
                           (double)dy[((n * 19 + i) * 21 + j) * 4 + k];
                }
        dw_sum[at] = (float)sum;
    }
    FOR_THREADS(threads)
    {
        float *scratch = check_scratch(conv2d_scratch_floats(&d));
        memset(dw, 0, weights * sizeof *dw);
        memset(db, 0, 4 * sizeof *db);
        conv2d_backward(&d, NULL, dw, db, dy, x, w, scratch);
        EXPECT_CLOSE(dw, dw_sum, weights, 2e-6);
        EXPECT_CLOSE(db, db_sum, 4, 2e-6);
        if (threads == 1) {
            first[0] = test_floats(weights), first[1] = test_floats(4);
            memcpy(first[0], dw, weights * sizeof *dw);
            memcpy(first[1], db, 4 * sizeof *db);
        }
        EXPECT_SAME(dw, first[0], weights * sizeof *dw);
        EXPECT_SAME(db, first[1], 4 * sizeof *db);
        check_free(scratch);
    }
    free(first[0]), free(first[1]);
    check_free(x), check_free(w), check_free(dy), check_free(dw), check_free(db);
    check_free(dw_sum), check_free(db_sum);
}

TEST(conv2d_passes_nan_on)
{
    Conv2dDims d = shapes[0];
    d.N = 1;
    size_t n = conv_out_size(&d);
    float *x = check_random(conv_in_size(&d), 1, 1), *w = check_random(conv_weights(&d), 2, 1);
    float *y = check_alloc(n), *scratch = check_scratch(conv2d_scratch_floats(&d));
    x[(4 * 8 + 4) * 5] = NAN;
    conv2d_forward(&d, y, x, w, NULL, scratch);
    size_t bad = 0;
    for (size_t i = 0; i < n; i++) bad += isnan(y[i]) != 0;
    EXPECT_INT((long long)bad, 9 * d.K);
    check_free(x), check_free(w), check_free(y), check_free(scratch);
}

/* ---- linear: inputs x, w, b */

static LinearDims linear_dims(void *dims, int N)
{
    LinearDims d = *(LinearDims *)dims;
    d.N = N;
    return d;
}

static void linear_op_forward(void *dims, int N, float *y, float *const *in)
{
    LinearDims d = linear_dims(dims, N);
    float *scratch = check_scratch(linear_scratch_floats(&d));
    linear_forward(&d, y, in[0], in[1], in[2], scratch);
    check_free(scratch);
}

static void linear_op_backward(void *dims, int N, float *const *g, const float *dy,
                               float *const *in)
{
    LinearDims d = linear_dims(dims, N);
    float *scratch = check_scratch(linear_scratch_floats(&d));
    linear_backward(&d, g[0], g[1], g[2], dy, in[0], in[1], scratch);
    check_free(scratch);
}

static void linear_op_tangent(void *dims, int N, float *ydot, float *const *in, float *const *dot)
{
    LinearDims d = linear_dims(dims, N);
    float *scratch = check_scratch(linear_scratch_floats(&d));
    linear_tangent(&d, ydot, in[0], dot[0], in[1], dot[1], dot[2], scratch);
    check_free(scratch);
}

static void linear_op_backward2(void *dims, int N, float *const *m, const float *my,
                                const float *ly, float *const *in, float *const *dot)
{
    LinearDims d = linear_dims(dims, N);
    float *scratch = check_scratch(linear_scratch_floats(&d));
    linear_backward2(&d, m[0], m[1], m[2], my, ly, in[0], dot[0], in[1], scratch);
    check_free(scratch);
}

/* T rows per image: one, a few, and more than a tile; wide and narrow. */
static const LinearDims linears[] = {{0, 1, 1, 1},    {0, 1, 40, 300}, {0, 3, 7, 130},
                                     {0, 8, 33, 5},   {0, 64, 16, 48}, {0, 300, 20, 9},
                                     {0, 700, 3, 12}, {0, 20, 270, 6}};
enum { LINEARS = sizeof linears / sizeof *linears };

TEST(linear_forward_agrees_with_double)
{
    for (int i = 0; i < LINEARS; i++) {
        for (int bias = 0; bias < 2; bias++) {
            LinearDims d = linears[i];
            d.N = 5;
            size_t rows = 5 * (size_t)d.T, n = rows * (size_t)d.K;
            float *x = check_random(rows * (size_t)d.C, 1, 1);
            float *w = check_random((size_t)d.C * (size_t)d.K, 2, 1);
            float *b = check_random((size_t)d.K, 3, 1), *expected = check_alloc(n);
            float *y = check_scratch(n), *scratch = check_scratch(linear_scratch_floats(&d));
            linear_forward(&d, y, x, w, bias ? b : NULL, scratch);
            for (size_t at = 0; at < n; at++) {
                size_t row = at / (size_t)d.K, k = at % (size_t)d.K;
                double sum = bias ? (double)b[k] : 0;
                for (int c = 0; c < d.C; c++)
                    sum += (double)x[row * (size_t)d.C + (size_t)c] *
                           (double)w[(size_t)c * (size_t)d.K + k];
                expected[at] = (float)sum;
            }
            if (!EXPECT_CLOSE(y, expected, n, 1e-6)) printf("  shape %d\n", i);
            check_free(x), check_free(w), check_free(b), check_free(y);
            check_free(expected), check_free(scratch);
        }
    }
}

TEST(linear_keeps_the_promises_of_an_op)
{
    for (int i = 0; i < LINEARS; i++) {
        LinearDims d = linears[i];
        char name[32];
        snprintf(name, sizeof name, "linear, shape %d", i);
        CheckOp op = {.name = name,
                      .dims = &d,
                      .inputs = 3,
                      .in = {{.size = (size_t)d.T * (size_t)d.C},
                             {.size = (size_t)d.C * (size_t)d.K, .parameter = true},
                             {.size = (size_t)d.K, .parameter = true}},
                      .out_size = (size_t)d.T * (size_t)d.K,
                      .forward = linear_op_forward,
                      .backward = linear_op_backward,
                      .tangent = linear_op_tangent,
                      .backward2 = linear_op_backward2,
                      .step = 0.5};
        check_op(&op);
    }
}

/* Bilinear in x and w, so the second backward pass is two ordinary ones. */
TEST(linear_backward2_is_the_sum_of_two_backward_passes)
{
    LinearDims d = {.N = 40, .T = 60, .C = 12, .K = 10};
    float *x = check_random(2400 * 12, 1, 1), *xdot = check_random(2400 * 12, 2, 1);
    float *my = check_random(2400 * 10, 3, 1), *ly = check_random(2400 * 10, 4, 1);
    float *w = check_random(120, 5, 1), *scratch = check_scratch(linear_scratch_floats(&d));
    float *m = check_alloc(2400 * 12), *mw = check_alloc(120), *mb = check_alloc(10);
    float *g = check_alloc(2400 * 12), *gw = check_alloc(120), *gb = check_alloc(10);
    linear_backward2(&d, m, mw, mb, my, ly, x, xdot, w, scratch);
    linear_backward(&d, g, gw, gb, my, x, w, scratch);
    linear_backward(&d, NULL, gw, NULL, ly, xdot, w, scratch);
    EXPECT_SAME(m, g, 2400 * 12 * sizeof *m);
    EXPECT_SAME(mw, gw, 120 * sizeof *mw);
    EXPECT_SAME(mb, gb, 10 * sizeof *mb);
    check_free(x), check_free(xdot), check_free(my), check_free(ly), check_free(w);
    check_free(scratch), check_free(m), check_free(mw), check_free(mb);
    check_free(g), check_free(gw), check_free(gb);
}
