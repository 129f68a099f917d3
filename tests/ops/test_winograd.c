#include "base/parallel.h"
#include "math/vec.h"
#include "ops/winograd.h"
#include "test.h"

/* Largest error of a layer over the RMS of its exact result. */
static const double allowed = 2e-5;

typedef struct {
    int N, H, W, C, K;
} Size;

/* Every map of the networks that matter, and maps, channels and batches that fit nothing: cut
 * tiles at both edges, F2 and F4, rows of several segments, channels past a stretch in L1. */
static const Size sizes[] = {
    {1, 32, 32, 32, 32}, {2, 28, 28, 16, 16}, {3, 14, 14, 32, 16}, {2, 7, 7, 64, 64},
    {1, 8, 8, 64, 128},  {2, 4, 4, 64, 48},   {3, 5, 6, 20, 12},   {1, 1, 1, 8, 8},
    {2, 3, 9, 24, 40},   {1, 70, 9, 16, 8},   {1, 9, 70, 9, 17},   {5, 16, 16, 32, 64},
    {1, 2, 2, 8, 200},   {2, 13, 17, 37, 43}, {1, 8, 8, 260, 32},  {1, 6, 6, 600, 20},
    {1, 11, 130, 8, 8},  {4, 8, 8, 32, 96},
};
enum { SIZES = sizeof sizes / sizeof *sizes };

static int pad = 1; /* of every layer */

static Conv2dDims dims_of(Size s)
{
    return (Conv2dDims){s.N, s.H, s.W, s.C, s.K, 3, 3, 1, pad, pad, pad, pad};
}

/* Takes each of `count` sizes with padding and, unless it is too small, without; padding stays behind. */
#define FOR_LAYERS(i, count, list)                                                                 \
    for (int twice_ = 0, i = 0; pad = 1 - twice_ % 2, i = twice_ / 2, twice_ < 2 * (count);        \
         twice_++)                                                                                 \
        if (pad == 1 || ((list)[i].H > 2 && (list)[i].W > 2))

/* One layer's tensors, random; x, dy in natural order. */
typedef struct {
    Conv2dDims d;
    size_t nx, ny, nw;
    float *x, *w, *dy, *u, *scratch;
} Layer;

static Layer layer_make(Size s)
{
    Layer l = {.d = dims_of(s)};
    size_t pixels = (size_t)s.N * (size_t)(s.H * s.W);
    size_t out = (size_t)(s.N * conv2d_out_height(&l.d) * conv2d_out_width(&l.d));
    l.nx = pixels * (size_t)s.C, l.ny = out * (size_t)s.K, l.nw = 9 * (size_t)(s.C * s.K);
    l.x = test_random(l.nx, 1, 1);
    l.w = test_random(l.nw, 2, 1 / sqrtf(9.0f * (float)s.C));
    l.dy = test_random(l.ny, 3, 1);
    return l;
}

/* For the level and the number of threads in use. */
static void layer_room(Layer *l)
{
    l->u = test_floats(winograd_packed_floats(&l->d));
    l->scratch = test_floats(winograd_scratch_floats(&l->d, parallel_threads()));
}

/* The convolution as one loop over its multiplications: y += x w, dx += dy w or dw += x dy. */
typedef enum { FORWARD, DATA, WEIGHTS } Pass;
static double *reference(const Layer *l, Pass pass)
{
    const Conv2dDims *d = &l->d;
    size_t n = pass == FORWARD ? l->ny : pass == DATA ? l->nx : l->nw;
    double *out = calloc(n, sizeof *out);
    int OH = conv2d_out_height(d), OW = conv2d_out_width(d);
    for (int i = 0; i < d->N * OH * OW * 9; i++) {
        int rs = i % 9, pixel = i / 9;
        int h = pixel / OW % OH + rs / 3 - pad, w = pixel % OW + rs % 3 - pad;
        if (h < 0 || h >= d->H || w < 0 || w >= d->W) continue;
        size_t from = (size_t)((pixel / (OH * OW) * d->H + h) * d->W + w) * (size_t)d->C;
        size_t to = (size_t)pixel * (size_t)d->K;
        for (int c = 0; c < d->C; c++) {
            size_t weight = (size_t)(rs * d->C + c) * (size_t)d->K;
            double sum = 0;
            for (size_t k = 0; k < (size_t)d->K; k++)
                if (pass == FORWARD)
                    out[to + k] += (double)l->x[from + (size_t)c] * (double)l->w[weight + k];
                else if (pass == DATA)
                    sum += (double)l->dy[to + k] * (double)l->w[weight + k];
                else
                    out[weight + k] += (double)l->x[from + (size_t)c] * (double)l->dy[to + k];
            if (pass == DATA) out[from + (size_t)c] += sum;
        }
    }
    return out;
}

/* max |y - start - exact| <= allowed * rms(exact); start may be NULL. NaN fails. */
static bool expect_accurate(const float *y, const float *start, const double *exact, size_t n,
                            Size s, const char *what)
{
    double worst = 0, squares = 0;
    for (size_t i = 0; i < n; i++) {
        double error = fabs((double)y[i] - (start ? (double)start[i] : 0) - exact[i]);
        worst = test_larger(worst, error);
        squares += exact[i] * exact[i];
    }
    double rms = sqrt(squares / (double)n);
    if (EXPECT(worst <= allowed * rms)) return true;
    printf("  %s at %s, %d x %dx%dx%d -> %d, padding %d: %.2g of the RMS\n", what, vec_level(), s.N,
           s.H, s.W, s.C, s.K, pad, worst / rms);
    return false;
}

static void forward(Layer *l, WinogradOutput y)
{
    winograd_pack(&l->d, l->u, l->w, false);
    winograd_convolve(&l->d, false, y, (WinogradInput){l->x, false}, l->u,
                      (WinogradMemory){.scratch = l->scratch});
}

static void backward_data(Layer *l, float *dx, bool upsampled)
{
    WinogradOutput y = {.y = dx, .add = true, .upsampled = upsampled};
    winograd_pack(&l->d, l->u, l->w, true);
    winograd_convolve(&l->d, true, y, (WinogradInput){l->dy, false}, l->u,
                      (WinogradMemory){.scratch = l->scratch});
}

static void backward_weights(Layer *l, float *dw)
{
    winograd_backward_weights(&l->d, dw, (WinogradInput){l->x, false}, l->dy, l->scratch);
}

static void expect_accurate_pass(Pass pass, const char *what)
{
    FOR_LAYERS(i, SIZES, sizes)
    {
        Layer l = layer_make(sizes[i]);
        double *exact = reference(&l, pass);
        size_t n = pass == FORWARD ? l.ny : pass == DATA ? l.nx : l.nw;
        float *start = test_random(n, 4, 1), *y = test_random(n, 4, 1);
        layer_room(&l);
        if (pass == FORWARD) {
            memset(y, 0xff, n * sizeof *y);
            start = NULL;
            forward(&l, (WinogradOutput){.y = y});
        }
        if (pass == DATA) backward_data(&l, y, false);
        if (pass == WEIGHTS) backward_weights(&l, y);
        expect_accurate(y, start, exact, n, sizes[i], what);
        free(exact);
    }
}

TEST(winograd_forward_is_exact_to_2e_5_of_the_rms)
{
    expect_accurate_pass(FORWARD, "forward");
}

TEST(winograd_data_gradient_is_exact_to_2e_5_of_the_rms_and_is_added)
{
    expect_accurate_pass(DATA, "data gradient");
}

TEST(winograd_weight_gradient_is_exact_to_2e_5_of_the_rms_and_is_added)
{
    expect_accurate_pass(WEIGHTS, "weight gradient");
}

/* <dy, conv(x, w)> = <dx, x> = <dw, w>: ties the three passes together without a reference. */
TEST(winograd_gradients_are_the_adjoints_of_forward)
{
    FOR_LAYERS(i, SIZES, sizes)
    {
        Layer l = layer_make(sizes[i]);
        layer_room(&l);
        float *y = test_floats(l.ny), *dx = test_floats(l.nx), *dw = test_floats(l.nw);
        forward(&l, (WinogradOutput){.y = y});
        backward_data(&l, dx, false);
        backward_weights(&l, dw);
        double size = sqrt(test_dot(y, y, l.ny) * test_dot(l.dy, l.dy, l.ny));
        EXPECT_NEAR(test_dot(dx, l.x, l.nx) / size, test_dot(y, l.dy, l.ny) / size, 1e-6);
        EXPECT_NEAR(test_dot(dw, l.w, l.nw) / size, test_dot(y, l.dy, l.ny) / size, 1e-6);
    }
}

TEST(winograd_of_an_upsampled_tensor_is_that_of_upsampling_before)
{
    static const Size from[] = {
        {2, 8, 12, 16, 24}, {1, 10, 6, 20, 9}, {2, 4, 4, 16, 16}, {1, 6, 2, 8, 32}};
    for (int i = 0; i < 4; i++) {
        Layer l = layer_make(from[i]);
        ResampleDims half = {from[i].N, from[i].H / 2, from[i].W / 2, from[i].C};
        float *small = test_random(l.nx / 4, 6, 1);
        for (size_t p = 0; p < l.nx / (size_t)half.C; p++) {
            size_t w = p % (size_t)l.d.W, h = p / (size_t)l.d.W % (size_t)l.d.H;
            size_t n = p / (size_t)(l.d.W * l.d.H);
            size_t q = (n * (size_t)half.H + h / 2) * (size_t)half.W + w / 2;
            memcpy(l.x + p * (size_t)half.C, small + q * (size_t)half.C,
                   (size_t)half.C * sizeof *small);
        }
        double *wide = reference(&l, DATA), *exact = calloc(l.nx / 4, sizeof *exact);
        for (size_t p = 0; p < l.nx; p++) {
            size_t c = p % (size_t)half.C, w = p / (size_t)half.C % (size_t)l.d.W;
            size_t row = p / (size_t)(half.C * l.d.W), h = row % (size_t)l.d.H;
            size_t q = (row / (size_t)l.d.H * (size_t)half.H + h / 2) * (size_t)half.W + w / 2;
            exact[q * (size_t)half.C + c] += wide[p];
        }
        layer_room(&l);
        float *y = test_floats(l.ny), *y2 = test_floats(l.ny), *dw = test_floats(l.nw);
        float *dw2 = test_floats(l.nw), *dx = test_random(l.nx / 4, 7, 1);
        float *start = test_random(l.nx / 4, 7, 1);
        forward(&l, (WinogradOutput){.y = y});
        WinogradInput x = {small, true};
        winograd_convolve(&l.d, false, (WinogradOutput){.y = y2}, x, l.u,
                          (WinogradMemory){.scratch = l.scratch});
        EXPECT_SAME(y2, y, l.ny * sizeof *y);
        backward_weights(&l, dw);
        winograd_backward_weights(&l.d, dw2, x, l.dy, l.scratch);
        EXPECT_SAME(dw2, dw, l.nw * sizeof *dw);
        backward_data(&l, dx, true);
        expect_accurate(dx, start, exact, l.nx / 4, from[i], "upsampled data gradient");
        free(wide), free(exact);
    }
}

TEST(winograd_adds_bias_shift_and_residual_and_makes_sums)
{
    FOR_LAYERS(i, SIZES, sizes)
    {
        Layer l = layer_make(sizes[i]);
        size_t K = (size_t)sizes[i].K, image = l.ny / (size_t)sizes[i].N;
        float *bias = test_random(K, 8, 1), *shift = test_random(l.ny / image * K, 9, 1);
        float *residual = test_random(l.ny, 10, 1), *y = test_floats(l.ny);
        double *exact = reference(&l, FORWARD);
        double *sums = malloc((size_t)sizes[i].N * 2 * K * sizeof *sums);
        for (size_t j = 0; j < l.ny; j++)
            exact[j] +=
                (double)bias[j % K] + (double)shift[j / image * K + j % K] + (double)residual[j];
        layer_room(&l);
        memcpy(y, residual, l.ny * sizeof *y);
        forward(&l, (WinogradOutput){
                        .y = y, .bias = bias, .shift = shift, .residual = y, .sums = sums});
        expect_accurate(y, NULL, exact, l.ny, sizes[i], "sum");
        for (size_t j = 0; j < (size_t)sizes[i].N * K; j++) {
            double sum = 0, squares = 0;
            const float *at = y + j / K * image + j % K;
            for (size_t t = 0; t < image; t += K)
                sum += (double)at[t], squares += (double)at[t] * (double)at[t];
            EXPECT_NEAR(sums[(j / K * 2) * K + j % K], sum,
                        1e-6 * sqrt(squares * (double)image / (double)K));
            EXPECT_NEAR(sums[(j / K * 2 + 1) * K + j % K], squares, 1e-6 * squares);
        }
        free(exact), free(sums);
    }
}

/* ---- Determinism ---- */

/* All results of one layer, end to end. */
typedef struct {
    float *y, *dx, *dw;
    double *sums;
} Results;

static Results run_all(Layer *l)
{
    size_t sums = (size_t)l->d.N * 2 * (size_t)l->d.K;
    Results r = {test_floats(l->ny), test_floats(l->nx), test_floats(l->nw),
                 (double *)(void *)test_floats(2 * sums)};
    layer_room(l);
    forward(l, (WinogradOutput){.y = r.y, .sums = r.sums});
    backward_data(l, r.dx, false);
    backward_weights(l, r.dw);
    return r;
}

TEST(winograd_gives_the_same_bits_for_any_number_of_threads)
{
    static const Size many[] = {{1, 8, 8, 64, 64},   {1, 16, 16, 32, 128}, {1, 32, 32, 16, 16},
                                {9, 8, 8, 48, 80},   {3, 32, 32, 16, 32},  {2, 4, 4, 32, 272},
                                {5, 28, 28, 16, 16}, {1, 9, 70, 9, 17}};
    FOR_LAYERS(i, 8, many)
    {
        Layer l = layer_make(many[i]);
        Results one = {0};
        FOR_THREADS(threads)
        {
            Results r = run_all(&l);
            if (!one.y) one = r;
            EXPECT_SAME(r.y, one.y, l.ny * sizeof *r.y);
            EXPECT_SAME(r.dx, one.dx, l.nx * sizeof *r.dx);
            EXPECT_SAME(r.dw, one.dw, l.nw * sizeof *r.dw);
            EXPECT_SAME(r.sums, one.sums, (size_t)(l.d.N * 2 * l.d.K) * sizeof *r.sums);
            (void)threads;
        }
    }
}

/* Every image of the batch alone, against itself in the batch. */
static void expect_same_alone(Size many)
{
    Layer l = layer_make(many);
    Results all = run_all(&l);
    size_t K = (size_t)many.K, N = (size_t)many.N;
    for (size_t n = 0; n < N; n++) {
        Layer one = layer_make((Size){1, many.H, many.W, many.C, many.K});
        memcpy(one.x, l.x + n * one.nx, one.nx * sizeof *one.x);
        memcpy(one.dy, l.dy + n * one.ny, one.ny * sizeof *one.dy);
        Results r = run_all(&one);
        EXPECT_SAME(r.y, all.y + n * one.ny, one.ny * sizeof *r.y);
        EXPECT_SAME(r.dx, all.dx + n * one.nx, one.nx * sizeof *r.dx);
        EXPECT_SAME(r.sums, all.sums + n * 2 * K, 2 * K * sizeof *r.sums);
    }
}

TEST(winograd_gives_an_image_the_same_bits_in_any_batch)
{
    static const Size many[] = {{5, 8, 8, 32, 48}, {3, 16, 16, 16, 64}, {4, 32, 32, 16, 16},
                                {7, 4, 4, 32, 32}, {6, 7, 7, 24, 40},   {3, 28, 28, 16, 16}};
    FOR_LAYERS(i, 6, many) expect_same_alone(many[i]);
}

/* An image alone has so few tiles here that its weights are transformed in each pass, stretch by
 * stretch of the channels; those of the batch are transformed before. */
TEST(winograd_weights_transformed_late_give_the_bits_of_those_transformed_before)
{
    static const Size many[] = {{3, 8, 8, 200, 40}, {3, 8, 8, 32, 17}, {3, 4, 4, 300, 40},
                                {3, 7, 6, 129, 72}, {9, 2, 2, 20, 64}, {3, 8, 8, 40, 260}};
    if (vec_uses_blas()) return; /* its bits follow the shape of a product */
    for (int i = 0; i < 6; i++) {
        Conv2dDims all = dims_of(many[i]), one = all;
        one.N = 1;
        EXPECT(winograd_packed_floats(&one) < winograd_packed_floats(&all));
        expect_same_alone(many[i]);
    }
}

/* ---- Memory ---- */

enum { GUARD = 64 };
static float *guarded(size_t n)
{
    float *p = malloc((n + 2 * GUARD) * sizeof *p);
    memset(p, 0xa5, (n + 2 * GUARD) * sizeof *p);
    return p + GUARD;
}

static void expect_guards(float *p, size_t n)
{
    const unsigned char *before = (const unsigned char *)(p - GUARD);
    const unsigned char *after = (const unsigned char *)(p + n);
    bool whole = true;
    for (size_t i = 0; i < GUARD * sizeof *p; i++)
        whole = whole && before[i] == 0xa5 && after[i] == 0xa5;
    EXPECT(whole);
    free(p - GUARD);
}

/* A network gives each thread a room (op.h); these tests otherwise give scratch alone. */
TEST(winograd_in_rooms_has_the_same_bits_and_stays_in_them)
{
    FOR_THREADS(threads)
    {
        FOR_LAYERS(i, SIZES, sizes)
        {
            if (threads != 3 && i % 2 == 1) continue;
            Layer l = layer_make(sizes[i]);
            layer_room(&l);
            size_t room = winograd_room_floats(&l.d), sums = (size_t)(l.d.N * 2 * l.d.K);
            size_t rooms = room * (size_t)parallel_threads();
            float *y = test_floats(l.ny), *y2 = test_floats(l.ny), *dx = test_floats(l.nx),
                  *dx2 = test_floats(l.nx), *s = test_floats(2 * sums), *s2 = test_floats(2 * sums);
            WinogradOutput out = {.y = y2, .sums = (double *)(void *)s2};
            WinogradMemory memory = {l.scratch, guarded(rooms), room};
            forward(&l, (WinogradOutput){.y = y, .sums = (double *)(void *)s});
            winograd_convolve(&l.d, false, out, (WinogradInput){l.x, false}, l.u, memory);
            EXPECT_SAME(y2, y, l.ny * sizeof *y);
            EXPECT_SAME(s2, s, 2 * sums * sizeof *s);
            backward_data(&l, dx, false);
            out = (WinogradOutput){.y = dx2, .add = true};
            winograd_convolve(&l.d, true, out, (WinogradInput){l.dy, false}, l.u, memory);
            EXPECT_SAME(dx2, dx, l.nx * sizeof *dx);
            expect_guards(memory.rooms, rooms);
        }
    }
}

TEST(winograd_writes_nothing_beside_its_outputs_and_scratch)
{
    FOR_THREADS(threads)
    {
        FOR_LAYERS(i, SIZES, sizes)
        {
            if (threads != 3 && i % 2 == 1) continue;
            Layer l = layer_make(sizes[i]);
            size_t nu = winograd_packed_floats(&l.d),
                   ns = winograd_scratch_floats(&l.d, parallel_threads());
            size_t sums = (size_t)(l.d.N * 2 * l.d.K);
            float *y = guarded(l.ny);
            l.u = guarded(nu), l.scratch = guarded(ns);
            float *dx = guarded(l.nx), *dw = guarded(l.nw), *s = guarded(sums * 2);
            forward(&l, (WinogradOutput){.y = y, .sums = (double *)(void *)s});
            backward_data(&l, dx, false);
            backward_weights(&l, dw);
            expect_guards(l.u, nu), expect_guards(l.scratch, ns), expect_guards(y, l.ny);
            expect_guards(dx, l.nx), expect_guards(dw, l.nw), expect_guards(s, sums * 2);
        }
    }
}

TEST(winograd_keeps_a_nan_in_its_image_and_lets_it_reach_every_output_it_should)
{
    Layer l = layer_make((Size){3, 8, 8, 16, 16});
    layer_room(&l);
    float *y = test_floats(l.ny);
    size_t image = l.ny / 3;
    l.x[l.nx / 3 + (3 * 8 + 3) * 16 + 5] = NAN; /* image 1, row 3, column 3 */
    forward(&l, (WinogradOutput){.y = y});
    for (size_t i = 0; i < l.ny; i++) {
        bool near = i / image == 1;
        size_t row = i % image / (8 * 16), column = i / 16 % 8;
        if (!near) EXPECT(!isnan(y[i]));
        if (near && row >= 2 && row <= 4 && column >= 2 && column <= 4) EXPECT(isnan(y[i]));
    }
}

TEST(winograd_serves_3x3_with_stride_one_even_padding_and_enough_channels)
{
    Conv2dDims d = dims_of((Size){1, 8, 8, 16, 16});
    EXPECT(winograd_serves(&d));
    Conv2dDims other = d;
    other.stride = 2;
    EXPECT(!winograd_serves(&other));
    other = d, other.R = 1, other.S = 1;
    EXPECT(!winograd_serves(&other));
    other = d, other.pad_top = 0;
    EXPECT(!winograd_serves(&other));
    other = d, other.pad_right = 2;
    EXPECT(!winograd_serves(&other));
    other = d, other.pad_top = other.pad_bottom = other.pad_left = other.pad_right = 0;
    EXPECT(winograd_serves(&other));
    other.H = 2;
    EXPECT(!winograd_serves(&other));
    other = d, other.pad_top = other.pad_bottom = other.pad_left = other.pad_right = 2;
    EXPECT(!winograd_serves(&other));
    other = d, other.C = 3;
    EXPECT(!winograd_serves(&other));
    other = d, other.K = 1;
    EXPECT(!winograd_serves(&other));
    for (int N = 1; N < 100; N *= 3) {
        other = d, other.N = N;
        EXPECT(winograd_serves(&other));
    }
}
