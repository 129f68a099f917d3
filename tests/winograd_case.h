/* Layers for Winograd's convolution, and its three passes. */
#ifndef DIFFC_TESTS_WINOGRAD_CASE_H
#define DIFFC_TESTS_WINOGRAD_CASE_H

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

static inline Conv2dDims dims_of(Size s)
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

static inline Layer layer_make(Size s)
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
static inline void layer_room(Layer *l)
{
    l->u = test_floats(winograd_packed_floats(&l->d));
    l->scratch = test_floats(winograd_scratch_floats(&l->d, parallel_threads()));
}

/* The convolution as one loop over its multiplications: y += x w, dx += dy w or dw += x dy. */
typedef enum { FORWARD, DATA, WEIGHTS } Pass;
static inline double *reference(const Layer *l, Pass pass)
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
static inline bool expect_accurate(const float *y, const float *start, const double *exact,
                                   size_t n, Size s, const char *what)
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

static inline void forward(Layer *l, WinogradOutput y)
{
    winograd_pack(&l->d, l->u, l->w, false);
    winograd_convolve(&l->d, false, y, (WinogradInput){l->x, false}, l->u,
                      (WinogradMemory){.scratch = l->scratch});
}

static inline void backward_data(Layer *l, float *dx, bool upsampled)
{
    WinogradOutput y = {.y = dx, .add = true, .upsampled = upsampled};
    winograd_pack(&l->d, l->u, l->w, true);
    winograd_convolve(&l->d, true, y, (WinogradInput){l->dy, false}, l->u,
                      (WinogradMemory){.scratch = l->scratch});
}

static inline void backward_weights(Layer *l, float *dw)
{
    winograd_backward_weights(&l->d, dw, (WinogradInput){l->x, false}, l->dy, l->scratch);
}

#endif
