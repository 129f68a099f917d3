/* Sums over the windows of a grid, as products, tile by tile of its pixels:
 *   y[n,p,:] = window(x)[n,p,:] w + bias
 * The forward pass of a convolution is one, and its data gradient a few. Private to src/ops. */
#ifndef DIFFC_CONV2D_CORRELATE_H
#define DIFFC_CONV2D_CORRELATE_H

#include <stdbool.h>
#include <stddef.h>

#include "ops/conv2d_window.h"

/* Where the sums over the windows of a grid go: those of grid pixel (i, j) to pixel (a + step i,
 * b + step j) of y [N,H,W,K], which is overwritten or added to. */
typedef struct {
    float *y;
    int H, W, K;
    int a, b, step;
    bool add;
    const float *bias; /* [K] or NULL */
} Target;

/* From w [depth,K], for all of N images; by the kernels of conv2d_thin.h where they serve. */
size_t correlate_scratch_floats(const Window *g, int K, int step, int threads);
void correlate(const Window *g, int N, const Target *to, const float *x, const float *w,
               float *scratch);

/* packed [product_packed_floats(K, depth)] = w in the order of the product's kernel, and the same sums from that. */
void correlate_pack(float *packed, const float *w, const Window *g, int K);
void correlate_packed(const Window *g, int N, const Target *to, const float *x, const float *packed,
                      float *scratch);

#endif
