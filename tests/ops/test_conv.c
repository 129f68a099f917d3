#include "base/parallel.h"
#include "math/vec.h"
#include "ops/ops.h"
#include "ops/winograd.h"
#include "passes.h"

/*  H   W   C   K   R  S  stride  top bottom left right */
static const Conv2dDims shapes[] = {
    {0, 8, 8, 5, 7, 3, 3, 1, 1, 1, 1, 1},     /* the ordinary kind */
    {0, 9, 7, 3, 4, 3, 3, 2, 0, 1, 0, 1},     /* diffusers' downsampling */
    {0, 16, 16, 20, 6, 3, 3, 2, 1, 1, 1, 1},  /* even size, stride 2 */
    {0, 6, 11, 17, 33, 1, 1, 1, 0, 0, 0, 0},  /* pointwise */
    {0, 5, 5, 4, 3, 1, 1, 2, 0, 0, 0, 0},     /* pointwise with stride: some inputs unseen */
    {0, 5, 6, 3, 2, 1, 1, 1, 1, 0, 2, 1},     /* pointwise with padding */
    {0, 1, 1, 6, 5, 3, 3, 1, 1, 1, 1, 1},     /* one pixel */
    {0, 2, 3, 2, 3, 5, 5, 1, 2, 2, 2, 2},     /* the kernel is larger than the image */
    {0, 12, 12, 1, 9, 3, 3, 1, 1, 1, 1, 1},   /* one channel in */
    {0, 12, 10, 9, 1, 3, 3, 1, 1, 1, 1, 1},   /* one channel out */
    {0, 10, 9, 2, 3, 4, 2, 3, 1, 2, 0, 3},    /* nothing is symmetric */
    {0, 7, 7, 2, 2, 2, 2, 3, 0, 0, 0, 0},     /* stride above the kernel: pixels nobody reads */
    {0, 8, 8, 3, 2, 3, 3, 1, 4, 3, 5, 3},     /* more padding than kernel */
    {0, 20, 20, 16, 16, 3, 3, 1, 1, 1, 1, 1}, /* several tiles in an image */
    {0, 20, 19, 1, 41, 3, 3, 1, 1, 1, 1, 1}, /* few inputs: several tiles, whole vectors and a rest */
    {0, 9, 18, 3, 34, 3, 3, 2, 0, 1, 0, 1}, /* the same with stride */
    {0, 19, 18, 37, 3, 3, 3, 1, 1, 1, 1, 1}, /* few outputs: several tiles, blocks of pixels and a rest */
    {0, 17, 9, 19, 2, 3, 3, 1, 1, 1, 1, 1},  /* two outputs */
    {0, 13, 11, 33, 4, 3, 3, 2, 0, 1, 0, 1}, /* four, with stride */
    {0, 9, 11, 20, 17, 1, 7, 1, 0, 0, 3, 3}, /* the windows of Inception v3 */
    {0, 11, 9, 17, 20, 7, 1, 1, 3, 3, 0, 0},  {0, 8, 7, 12, 19, 1, 3, 1, 0, 0, 1, 1},
    {0, 7, 8, 12, 19, 3, 1, 1, 1, 1, 0, 0},   {0, 12, 13, 10, 18, 5, 5, 1, 2, 2, 2, 2},
    {0, 13, 12, 9, 16, 3, 3, 1, 0, 0, 0, 0},  {0, 13, 15, 18, 12, 3, 3, 2, 0, 0, 0, 0}};
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
    for (int i = 0; i < 2 * SHAPES; i++) {
        int bias = i % 2;
        Conv2dDims d = shapes[i / 2];
        d.N = 2;
        size_t n = 2 * conv_out_size(&d);
        float *x = check_random(2 * conv_in_size(&d), 1, 1);
        float *w = check_random(conv_weights(&d), 2, 1), *b = check_random((size_t)d.K, 3, 1);
        float *y = check_scratch(n), *expected = check_alloc(n);
        op_conv2d.forward(&(OpCall){.dims = &d,
                                    .y = y,
                                    .x = {x},
                                    .w = w,
                                    .b = bias ? b : NULL,
                                    .scratch = scratch_for(&op_conv2d, &d)});
        conv2d_forward_reference(&d, expected, x, w, bias ? b : NULL);
        if (!EXPECT_CLOSE(y, expected, n, 1e-6)) printf("  %s, shape %d\n", vec_level(), i / 2);
    }
}

/* The first `width` columns of rows of `from` columns, of `channels` floats each. */
static float *cropped(const float *x, int rows, int from, int width, int channels)
{
    size_t row = (size_t)width * (size_t)channels, step = (size_t)from * (size_t)channels;
    float *y = check_alloc((size_t)rows * row);
    for (int r = 0; r < rows; r++)
        memcpy(y + (size_t)r * row, x + (size_t)r * step, row * sizeof *y);
    return y;
}

/* y from x, and dx from dy. */
static void run_conv(const Conv2dDims *d, float *y, float *dx, const float *x, const float *dy,
                     const float *w, const float *b)
{
    OpCall call = {.dims = d, .w = w, .b = b, .scratch = scratch_for(&op_conv2d, d)};
    call.x[0] = x, call.y = y;
    op_conv2d.forward(&call);
    call.dy = dy, call.dx[0] = dx;
    op_conv2d.backward(&call);
}

static void expect_same_columns(const float *narrow, const float *wide, int rows, int from,
                                int width, int channels)
{
    float *a = cropped(narrow, rows, width, width - 1, channels);
    float *b = cropped(wide, rows, from, width - 1, channels);
    if (!EXPECT_SAME(a, b, (size_t)(rows * (width - 1) * channels) * sizeof *a))
        printf("  %s, %d of %d columns, %d channels\n", vec_level(), width, from, channels);
}

/* All columns but the last, which sees the edge, of narrower images: pixels are computed in blocks and
 * the rest one by one, channels in whole vectors and the rest. */
TEST(conv2d_bits_do_not_depend_on_the_width_of_the_image)
{
    enum { H = 4, W = 20 };
    static const int sides[][3] = {{1, 41, 3}, {3, 34, 3}, {37, 3, 3}, {19, 2, 3}, {33, 4, 3},
                                   {9, 1, 3},  {1, 9, 3},  {5, 7, 3},  {17, 33, 1}};
    if (vec_uses_blas()) return; /* it promises no such thing */
    for (size_t i = 0; i < sizeof sides / sizeof *sides; i++) {
        int C = sides[i][0], K = sides[i][1], R = sides[i][2], pad = R / 2;
        Conv2dDims d = {1, H, W, C, K, R, R, 1, pad, pad, pad, pad};
        float *in[3] = {check_random(conv_in_size(&d), 1, 1), check_random(conv_weights(&d), 2, 1),
                        check_random((size_t)K, 3, 1)};
        float *dy = check_random(conv_out_size(&d), 4, 1), *y = check_alloc(conv_out_size(&d)),
              *dx = check_alloc(conv_in_size(&d));
        run_conv(&d, y, dx, in[0], dy, in[1], in[2]);
        for (int width = 2; width < W; width++) {
            Conv2dDims n = {1, H, width, C, K, R, R, 1, pad, pad, pad, pad};
            float *x = cropped(in[0], H, W, width, C);
            float *dy_n = cropped(dy, H, W, width, K), *y_n = check_alloc(conv_out_size(&n)),
                  *dx_n = check_alloc(conv_in_size(&n));
            run_conv(&n, y_n, dx_n, x, dy_n, in[1], in[2]);
            expect_same_columns(y_n, y, H, W, width, K);
            expect_same_columns(dx_n, dx, H, W, width, C);
        }
        for (int j = 0; j < 3; j++) check_free(in[j]);
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

/* The sum of conv2d_forward_reference, of doubles. */
static double conv_sum(const Conv2dDims *d, const double *x, const double *w, int oh, int ow, int k)
{
    double sum = 0;
    for (int tap = 0; tap < d->R * d->S; tap++) {
        int h = oh * d->stride + tap / d->S - d->pad_top;
        int v = ow * d->stride + tap % d->S - d->pad_left;
        if (h < 0 || h >= d->H || v < 0 || v >= d->W) continue;
        for (int i = 0; i < d->C; i++)
            sum += x[(h * d->W + v) * d->C + i] * w[(tap * d->C + i) * d->K + k];
    }
    return sum;
}

static void conv_formula(const PassCase *c, double *y, double **x)
{
    const Conv2dDims *d = c->dims;
    int OH = conv2d_out_height(d), OW = conv2d_out_width(d);
    for (int at = 0; at < c->N * OH * OW * d->K; at++) {
        int k = at % d->K, pixel = at / d->K, n = pixel / (OH * OW);
        y[at] = x[BIAS][k] + conv_sum(d, x[0] + n * d->H * d->W * d->C, x[WEIGHTS], pixel / OW % OH,
                                      pixel % OW, k);
    }
}

static PassCase conv_case(const Op *op, const Conv2dDims *d)
{
    PassCase c = {.op = op, .dims = d, .N = 3, .inputs = 1, .active = 1};
    c.per[0] = conv_in_size(d), c.per[WEIGHTS] = conv_weights(d), c.per[BIAS] = (size_t)d->K;
    c.out = conv_out_size(d);
    c.formula = conv_formula;
    return c;
}

TEST(conv2d_passes_agree_with_the_formula)
{
    for (int i = 0; i < SHAPES; i++) {
        PassCase c = conv_case(&op_conv2d, &shapes[i]);
        check_passes(&c);
    }
}

TEST(conv2d_with_packed_weights_has_the_bits_of_conv2d_without)
{
    int packed = 0;
    for (int i = 0; i < SHAPES; i++) {
        check_packed(conv_case(&op_conv2d, &shapes[i]));
        packed += op_conv2d.packed_floats(&shapes[i]) > 0;
    }
    EXPECT(packed > 0);
}

/* What Conv2dFastDims adds: upsampling before, a vector and a tensor added after. */
static void conv_fast_formula(const PassCase *c, double *y, double **x)
{
    const Conv2dFastDims *d = c->dims;
    const Conv2dDims *conv = &d->conv;
    int H = conv->H, W = conv->W, C = conv->C, K = conv->K, scale = d->upsampled ? 2 : 1;
    int OH = conv2d_out_height(conv), OW = conv2d_out_width(conv);
    double *seen = calloc((size_t)(H * W * C), sizeof *seen);
    if (!seen) abort();
    for (int n = 0; n < c->N; n++) {
        const double *image = x[0] + (size_t)n * c->per[0];
        for (int at = 0; at < H * W * C; at++) {
            int h = at / C / W / scale, w = at / C % W / scale;
            seen[at] = image[(h * (W / scale) + w) * C + at % C];
        }
        for (int at = 0; at < OH * OW * K; at++) {
            double *to = &y[n * OH * OW * K + at];
            *to = x[BIAS][at % K] +
                  conv_sum(conv, seen, x[WEIGHTS], at / K / OW, at / K % OW, at % K);
            if (d->shift_in) *to += x[d->shift_in][n * K + at % K];
            if (d->residual_in) *to += x[d->residual_in][n * OH * OW * K + at];
        }
    }
    free(seen);
}

TEST(conv2d_fast_passes_agree_with_the_formula_with_all_that_is_joined)
{
    static const int joined[][3] = {{0, 0, 0}, {1, 0, 0}, {0, 1, 0},
                                    {0, 0, 1}, {0, 1, 2}, {1, 2, 1}};
    for (int i = 0; i < 24; i++) {
        int side = i % 2 ? 6 : 10, pad = i / 12; /* the two sizes of tiles */
        const int *j = joined[i / 2 % 6];
        Conv2dFastDims d = {{3, side, side, 9, 17, 3, 3, 1, pad, pad, pad, pad}, j[0], j[1], j[2]};
        PassCase c = conv_case(&op_conv2d_fast, &d.conv);
        EXPECT(winograd_serves(&d.conv));
        c.dims = &d;
        if (d.upsampled) c.per[0] /= 4;
        if (d.shift_in) c.per[d.shift_in] = 17, c.inputs++;
        if (d.residual_in) c.per[d.residual_in] = c.out, c.inputs++;
        c.active = c.inputs;
        c.packed = true;
        c.formula = conv_fast_formula;
        check_passes(&c);
    }
}

/* dw and db of a batch by plain sums. */
static void sum_gradients(const Conv2dDims *d, double *dw, double *db, const float *dy,
                          const float *x)
{
    int pixels = d->H * d->W;
    for (int p = 0; p < d->N * pixels; p++)
        for (int k = 0; k < d->K; k++) {
            double g = (double)dy[p * d->K + k];
            db[k] += g;
            for (int tap = 0; tap < 9; tap++) {
                int ih = p % pixels / d->W + tap / 3 - 1, iw = p % d->W + tap % 3 - 1;
                if (ih < 0 || ih >= d->H || iw < 0 || iw >= d->W) continue;
                const float *at = x + ((p / pixels * d->H + ih) * d->W + iw) * d->C;
                for (int c = 0; c < d->C; c++) dw[(tap * d->C + c) * d->K + k] += (double)at[c] * g;
            }
        }
}

/* Enough pixels that the weight gradient is summed in several slots; windows of x and of dy with
 * few values, and neither. */
TEST(conv2d_gradients_of_a_large_batch_agree_with_plain_sums)
{
    static const int channels[][2] = {{3, 4}, {20, 1}, {12, 9}};
    for (int i = 0; i < 3; i++) {
        Conv2dDims d = {.N = 9, .H = 19, .W = 21, .R = 3, .S = 3, .stride = 1};
        d.pad_top = d.pad_bottom = d.pad_left = d.pad_right = 1;
        d.C = channels[i][0], d.K = channels[i][1];
        size_t pixels = 9 * 19 * 21, weights = conv_weights(&d), K = (size_t)d.K;
        float *x = check_random(pixels * (size_t)d.C, 1, 1), *w = check_random(weights, 2, 1);
        float *dy = check_random(pixels * K, 3, 1), *dw = check_alloc(weights),
              *db = check_alloc(K);
        float *first_w = check_alloc(weights), *first_b = check_alloc(K);
        double *sum_w = calloc(weights, sizeof *sum_w), sum_b[9] = {0};
        if (!sum_w) abort();
        sum_gradients(&d, sum_w, sum_b, dy, x);
        FOR_THREADS(threads)
        {
            memset(dw, 0, weights * sizeof *dw);
            memset(db, 0, K * sizeof *db);
            op_conv2d.backward(&(OpCall){.dims = &d,
                                         .x = {x},
                                         .w = w,
                                         .dy = dy,
                                         .dw = dw,
                                         .db = db,
                                         .scratch = scratch_for(&op_conv2d, &d)});
            if (threads == 1) {
                memcpy(first_w, dw, weights * sizeof *dw);
                memcpy(first_b, db, K * sizeof *db);
            }
            for (size_t at = 0; at < weights; at++) EXPECT_NEAR((double)dw[at], sum_w[at], 1e-4);
            for (size_t k = 0; k < K; k++) EXPECT_NEAR((double)db[k], sum_b[k], 3e-5);
            EXPECT_SAME(dw, first_w, weights * sizeof *dw);
            EXPECT_SAME(db, first_b, K * sizeof *db);
        }
        free(sum_w);
    }
}

TEST(conv2d_passes_nan_on)
{
    Conv2dDims d = shapes[0];
    d.N = 1;
    size_t n = conv_out_size(&d);
    float *x = check_random(conv_in_size(&d), 1, 1), *w = check_random(conv_weights(&d), 2, 1);
    float *y = check_alloc(n), *scratch = scratch_for(&op_conv2d, &d);
    x[(4 * 8 + 4) * 5] = NAN;
    op_conv2d.forward(&(OpCall){.dims = &d, .y = y, .x = {x}, .w = w, .scratch = scratch});
    size_t bad = 0;
    for (size_t i = 0; i < n; i++) bad += isnan(y[i]) != 0;
    EXPECT_INT((long long)bad, 9 * d.K);
}

/* ---- linear */

/* T rows per image: one, a few, and more than a tile; wide and narrow. */
static const LinearDims linears[] = {{0, 1, 1, 1},    {0, 1, 40, 300}, {0, 3, 7, 130},
                                     {0, 8, 33, 5},   {0, 64, 16, 48}, {0, 300, 20, 9},
                                     {0, 700, 3, 12}, {0, 20, 270, 6}};
enum { LINEARS = sizeof linears / sizeof *linears };

static void linear_formula(const PassCase *c, double *y, double **x)
{
    const LinearDims *d = c->dims;
    for (int at = 0; at < c->N * d->T * d->K; at++) {
        int row = at / d->K, k = at % d->K;
        y[at] = x[BIAS][k];
        for (int i = 0; i < d->C; i++) y[at] += x[0][row * d->C + i] * x[WEIGHTS][i * d->K + k];
    }
}

static PassCase linear_case(const LinearDims *d)
{
    PassCase c = {.op = &op_linear, .dims = d, .N = 3, .inputs = 1, .active = 1};
    c.per[0] = (size_t)d->T * (size_t)d->C, c.out = (size_t)d->T * (size_t)d->K;
    c.per[WEIGHTS] = (size_t)d->C * (size_t)d->K, c.per[BIAS] = (size_t)d->K;
    c.formula = linear_formula;
    return c;
}

TEST(linear_passes_agree_with_the_formula)
{
    for (int i = 0; i < LINEARS; i++) {
        PassCase c = linear_case(&linears[i]);
        check_passes(&c);
    }
}

TEST(linear_with_packed_weights_has_the_bits_of_linear_without)
{
    for (int i = 0; i < LINEARS; i++) check_packed(linear_case(&linears[i]));
}

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
            float *y = check_scratch(n);
            op_linear.forward(&(OpCall){.dims = &d,
                                        .y = y,
                                        .x = {x},
                                        .w = w,
                                        .b = bias ? b : NULL,
                                        .scratch = scratch_for(&op_linear, &d)});
            for (size_t at = 0; at < n; at++) {
                size_t row = at / (size_t)d.K, k = at % (size_t)d.K;
                double sum = bias ? (double)b[k] : 0;
                for (int c = 0; c < d.C; c++)
                    sum += (double)x[row * (size_t)d.C + (size_t)c] *
                           (double)w[(size_t)c * (size_t)d.K + k];
                expected[at] = (float)sum;
            }
            if (!EXPECT_CLOSE(y, expected, n, 1e-6)) printf("  shape %d\n", i);
        }
    }
}
