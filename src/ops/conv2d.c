/* Convolution as products on gathered windows (im2col; conv2d_correlate.h), or by the kernels of conv2d_thin.h where
 * one side has few channels:
 *   forward    y = W * x + b
 *   backward   dx += W^T * dy     dw += corr(dy, x)     db += sum of dy
 *   backward2  the same, and dw += corr(ly, xdot)
 * The data gradient is itself such a correlation, of dy with the turned kernel. With stride s it
 * falls into s x s of them, one for each position of an input pixel within the stride: pixel
 * ih = a + s i receives from the taps r with (a + pad_top - r) divisible by s, and from each at
 * oh = i + (a + pad_top - r)/s. So nothing is scattered and every sum has its order. */
#include <string.h>

#include "base/parallel.h"
#include "math/product.h"
#include "math/vec.h"
#include "ops/conv2d_correlate.h"
#include "ops/conv2d_thin.h"
#include "ops/op.h"
#include "ops/ops.h"
#include "ops/ordered_sum.h"

enum {
    CHUNK_FLOATS = 64 * 1024, /* gathered windows of one product of the weight gradient */
    CHUNK_MIN = 64,           /* pixels of it */
    CHUNK_MAX = 256
};

/* Zero where the kernel is larger than the padded image. */
static int out_size(int padded, int kernel, int stride)
{
    return padded < kernel ? 0 : (padded - kernel) / stride + 1;
}

int conv2d_out_height(const Conv2dDims *d)
{
    return out_size(d->H + d->pad_top + d->pad_bottom, d->R, d->stride);
}

int conv2d_out_width(const Conv2dDims *d)
{
    return out_size(d->W + d->pad_left + d->pad_right, d->S, d->stride);
}

/* The reference: seven plain loops, sums in double. */
void conv2d_forward_reference(const Conv2dDims *d, float *y, const float *x, const float *w,
                              const float *b)
{
    int OH = conv2d_out_height(d), OW = conv2d_out_width(d);
    for (int n = 0; n < d->N; n++)
        for (int oh = 0; oh < OH; oh++)
            for (int ow = 0; ow < OW; ow++)
                for (int k = 0; k < d->K; k++) {
                    double sum = b ? (double)b[k] : 0;
                    for (int r = 0; r < d->R; r++)
                        for (int s = 0; s < d->S; s++)
                            for (int c = 0; c < d->C; c++) {
                                int ih = oh * d->stride + r - d->pad_top;
                                int iw = ow * d->stride + s - d->pad_left;
                                if (ih < 0 || ih >= d->H || iw < 0 || iw >= d->W) continue;
                                long pixel = ((long)n * d->H + ih) * d->W + iw;
                                long weight = ((long)r * d->S + s) * d->C + c;
                                sum += (double)x[pixel * d->C + c] * (double)w[weight * d->K + k];
                            }
                    *y++ = (float)sum;
                }
}

static int min_int(int a, int b)
{
    return a < b ? a : b;
}

static int max_int(int a, int b)
{
    return a > b ? a : b;
}

static size_t max_size(size_t a, size_t b)
{
    return a > b ? a : b;
}

static Window forward_window(const Conv2dDims *d)
{
    return (Window){.H = d->H,
                    .W = d->W,
                    .C = d->C,
                    .rows = conv2d_out_height(d),
                    .cols = conv2d_out_width(d),
                    .step = d->stride,
                    .top = -d->pad_top,
                    .left = -d->pad_left,
                    .taps_r = d->R,
                    .taps_s = d->S};
}

static size_t conv2d_packed_floats(const void *dims)
{
    const Conv2dDims *d = dims;
    Window g = forward_window(d);
    return thin_serves(&g, d->K) ? 0 : product_packed_floats(d->K, window_depth(&g));
}

static void conv2d_pack(const void *dims, float *packed, const float *w, bool back)
{
    const Conv2dDims *d = dims;
    Window g = forward_window(d);
    (void)back;
    correlate_pack(packed, w, &g, d->K);
}

static void conv2d_forward(const OpCall *c)
{
    const Conv2dDims *d = c->dims;
    Window g = forward_window(d);
    Target y = {.y = c->y, .H = g.rows, .W = g.cols, .K = d->K, .step = 1, .bias = c->b};
    if (c->packed)
        correlate_packed(&g, d->N, &y, c->x[0], c->packed, c->scratch);
    else
        correlate(&g, d->N, &y, c->x[0], c->w, c->scratch);
}

/* ---- data gradient */

/* The taps of one axis that reach input pixels a, a + stride, ... : r = last, last - stride, ...
 * (taps of them), the first of which reads output pixel `first` for input pixel a. */
typedef struct {
    int pixels, taps, last, first;
} Phase;

static Phase phase_of(int a, int size, int kernel, int stride, int pad)
{
    int r0 = (a + pad) % stride;
    Phase p = {.pixels = (size - a + stride - 1) / stride};
    if (r0 < kernel) {
        p.taps = (kernel - 1 - r0) / stride + 1;
        p.last = r0 + (p.taps - 1) * stride;
        p.first = (a + pad - p.last) / stride;
    }
    return p;
}

static Window phase_window(const Conv2dDims *d, const Phase *v, const Phase *h)
{
    return (Window){.H = conv2d_out_height(d),
                    .W = conv2d_out_width(d),
                    .C = d->K,
                    .rows = v->pixels,
                    .cols = h->pixels,
                    .step = 1,
                    .top = v->first,
                    .left = h->first,
                    .taps_r = v->taps,
                    .taps_s = h->taps};
}

/* turned [taps_r, taps_s, K, C] = the phase's taps of w [R,S,C,K], last tap first. */
static void turn_weights(const Conv2dDims *d, const Phase *v, const Phase *h, float *turned,
                         const float *w)
{
    enum { BLOCK = 16 };
    int C = d->C, K = d->K;
    size_t size = (size_t)C * (size_t)K;
#pragma omp parallel for num_threads(parallel_threads()) schedule(static)
    for (int tap = 0; tap < v->taps * h->taps; tap++) {
        int r = v->last - tap / h->taps * d->stride, s = h->last - tap % h->taps * d->stride;
        const float *from = w + (size_t)(r * d->S + s) * size;
        float *to = turned + (size_t)tap * size;
        for (int c0 = 0; c0 < C; c0 += BLOCK)
            for (int k = 0; k < K; k++)
                for (int c = c0; c < min_int(c0 + BLOCK, C); c++)
                    to[(size_t)k * (size_t)C + (size_t)c] = from[(size_t)c * (size_t)K + (size_t)k];
    }
}

/* Turned weights, and what follows. */
static size_t phase_scratch_floats(const Conv2dDims *d, const Window *g, int threads)
{
    size_t turned = (size_t)window_depth(g) * (size_t)d->C;
    return turned + correlate_scratch_floats(g, d->C, d->stride, threads);
}

static void phase_gradient(const Conv2dDims *d, int a, int b, float *dx, const float *dy,
                           const float *w, float *scratch)
{
    Phase v = phase_of(a, d->H, d->R, d->stride, d->pad_top);
    Phase h = phase_of(b, d->W, d->S, d->stride, d->pad_left);
    Window g = phase_window(d, &v, &h);
    if (!g.rows || !g.cols || !window_depth(&g)) return;
    turn_weights(d, &v, &h, scratch, w);
    Target to = {.y = dx, .H = d->H, .W = d->W, .K = d->C, .add = true};
    to.a = a, to.b = b, to.step = d->stride;
    correlate(&g, d->N, &to, dy, scratch, scratch + (size_t)window_depth(&g) * (size_t)d->C);
}

static void data_gradient(const Conv2dDims *d, float *dx, const float *dy, const float *w,
                          float *scratch)
{
    for (int a = 0; a < min_int(d->stride, d->H); a++)
        for (int b = 0; b < min_int(d->stride, d->W); b++)
            phase_gradient(d, a, b, dx, dy, w, scratch);
}

/* ---- weight gradient */

/* Output pixels of one product. */
static int chunk_rows(const Conv2dDims *d)
{
    return max_int(CHUNK_MIN, min_int(CHUNK_MAX, CHUNK_FLOATS / (d->S * d->C)));
}

/* The windows of a chunk for one row of taps, and scratch to pack its product. */
static size_t chunk_floats(const Conv2dDims *d)
{
    size_t rows = (size_t)chunk_rows(d);
    return rows * (size_t)d->S * (size_t)d->C + product_scratch_here_floats(d->K, (int)rows);
}

static size_t weight_count(const Conv2dDims *d)
{
    return (size_t)d->R * (size_t)d->S * (size_t)d->C * (size_t)d->K;
}

/* Windows of the output pixels row .. row+count-1 of the whole batch. */
static void gather_batch(const Window *g, float *col, const float *x, size_t row, int count)
{
    size_t pixels = (size_t)g->rows * (size_t)g->cols;
    size_t x_size = (size_t)g->H * (size_t)g->W * (size_t)g->C;
    while (count > 0) {
        int first = (int)(row % pixels), here = min_int(count, (int)pixels - first);
        window_gather(g, col, x + row / pixels * x_size, first, here);
        col += (size_t)here * (size_t)window_depth(g);
        row += (size_t)here;
        count -= here;
    }
}

/* Which operand of the weight gradient the thin kernel gathers in windows: x, where a window holds
 * few values; or dy, seen from the pixels of x, where there are few outputs (and stride 1). */
typedef enum { SIDE_NONE, SIDE_X, SIDE_DY } ThinSide;

static Window turned_window(const Conv2dDims *d)
{
    Phase v = phase_of(0, d->H, d->R, 1, d->pad_top), h = phase_of(0, d->W, d->S, 1, d->pad_left);
    return phase_window(d, &v, &h);
}

static ThinSide thin_side(const Conv2dDims *d)
{
    Window g = forward_window(d);
    if (thin_gradient_serves(&g)) return SIDE_X;
    if (d->stride != 1) return SIDE_NONE;
    g = turned_window(d);
    return thin_gradient_serves(&g) ? SIDE_DY : SIDE_NONE;
}

static void thin_weight_gradient(const Conv2dDims *d, ThinSide side, float *dw, const float *dy,
                                 const float *x, float *scratch)
{
    if (side == SIDE_X) {
        Window g = forward_window(d);
        vec_accumulate(dw, thin_gradient(&g, d->N, d->K, x, dy, scratch), weight_count(d));
        return;
    }
    /* sum [R,S,K,C], last tap first */
    Window g = turned_window(d);
    const float *sum = thin_gradient(&g, d->N, d->C, dy, x, scratch);
    size_t C = (size_t)d->C, K = (size_t)d->K;
    for (size_t tap = (size_t)(d->R * d->S); tap-- > 0; dw += C * K)
        for (size_t c = 0; c < C; c++)
            for (size_t k = 0; k < K; k++) dw[c * K + k] += sum[(tap * K + k) * C + c];
}

/* dw += corr(dy, x): each unit sums one slot of output pixels for one row of taps. */
static void weight_gradient(const Conv2dDims *d, float *dw, const float *dy, const float *x,
                            float *scratch)
{
    ThinSide side = thin_side(d);
    if (side != SIDE_NONE) {
        thin_weight_gradient(d, side, dw, dy, x, scratch);
        return;
    }
    Window whole = forward_window(d);
    size_t rows = (size_t)d->N * (size_t)whole.rows * (size_t)whole.cols, size = weight_count(d);
    int slots = ordered_sum_slots(rows, size), chunk = chunk_rows(d), width = d->S * d->C;
    size_t mine = chunk_floats(d);
    float *parts = slots > 1 ? scratch : dw;
    float *cols = scratch + (slots > 1 ? (size_t)slots * size : 0);
#pragma omp parallel for num_threads(parallel_threads()) schedule(dynamic)
    for (int unit = 0; unit < slots * d->R; unit++) {
        int slot = unit / d->R, r = unit % d->R;
        float *col = cols + (size_t)parallel_thread() * mine;
        Window g = whole;
        g.top += r;
        g.taps_r = 1;
        Product p = {.M = width, .N = d->K, .alpha = 1, .a = col, .transpose_a = true};
        p.lda = width, p.ldb = p.ldc = p.ldd = d->K;
        p.c = parts + (size_t)slot * size + (size_t)r * (size_t)width * (size_t)d->K;
        p.d = p.c;
        size_t begin = ordered_sum_begin(rows, slots, slot),
               end = ordered_sum_begin(rows, slots, slot + 1);
        for (size_t row = begin; row < end; row += (size_t)chunk) {
            p.K = (int)(end - row < (size_t)chunk ? end - row : (size_t)chunk);
            gather_batch(&g, col, x, row, p.K);
            p.b = dy + row * (size_t)d->K;
            p.beta = slots > 1 && row == begin ? 0 : 1;
            product_run_here(&p, col + (size_t)chunk * (size_t)width);
        }
    }
    if (slots > 1) ordered_sum_add(dw, parts, slots, size);
}

static size_t weight_scratch_floats(const Conv2dDims *d, int threads)
{
    Window x = forward_window(d), dy = turned_window(d);
    ThinSide side = thin_side(d);
    if (side == SIDE_X) return thin_gradient_scratch_floats(&x, d->N, d->K, threads);
    if (side == SIDE_DY) return thin_gradient_scratch_floats(&dy, d->N, d->C, threads);
    size_t rows = (size_t)d->N * (size_t)x.rows * (size_t)x.cols, size = weight_count(d);
    return (size_t)ordered_sum_slots(rows, size) * size + (size_t)threads * chunk_floats(d);
}

static void conv2d_backward(const OpCall *c)
{
    const Conv2dDims *d = c->dims;
    size_t rows = (size_t)d->N * (size_t)conv2d_out_height(d) * (size_t)conv2d_out_width(d);
    if (c->dx[0]) data_gradient(d, c->dx[0], c->dy, c->w, c->scratch);
    if (c->dw) weight_gradient(d, c->dw, c->dy, c->x[0], c->scratch);
    if (c->db) ordered_sum_columns(c->db, c->dy, rows, d->K, c->scratch);
}

static void conv2d_backward2(const OpCall *c)
{
    conv2d_backward(c);
    if (c->dw) weight_gradient(c->dims, c->dw, c->ly, c->xdot[0], c->scratch);
}

static size_t conv2d_scratch_floats(const void *dims, int threads)
{
    const Conv2dDims *d = dims;
    Window g = forward_window(d);
    size_t rows = (size_t)d->N * (size_t)g.rows * (size_t)g.cols;
    size_t most = correlate_scratch_floats(&g, d->K, 1, threads);
    for (int a = 0; a < min_int(d->stride, d->H); a++) {
        for (int b = 0; b < min_int(d->stride, d->W); b++) {
            Phase v = phase_of(a, d->H, d->R, d->stride, d->pad_top);
            Phase h = phase_of(b, d->W, d->S, d->stride, d->pad_left);
            Window p = phase_window(d, &v, &h);
            most = max_size(most, phase_scratch_floats(d, &p, threads));
        }
    }
    most = max_size(most, weight_scratch_floats(d, threads));
    return max_size(most, ordered_sum_columns_scratch_floats(rows, d->K));
}

double conv2d_flop(const void *dims)
{
    const Conv2dDims *d = dims;
    return 2.0 * conv2d_out_height(d) * conv2d_out_width(d) * d->R * d->S * d->C * d->K;
}

const Op op_conv2d = {.name = "conv2d",
                      .dims_bytes = sizeof(Conv2dDims),
                      .forward = conv2d_forward,
                      .backward = conv2d_backward,
                      .backward2 = conv2d_backward2,
                      .scratch_floats = conv2d_scratch_floats,
                      .flop = conv2d_flop,
                      .packed_floats = conv2d_packed_floats,
                      .pack = conv2d_pack,
                      .reads = OP_X0};
