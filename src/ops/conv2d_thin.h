/* Convolutions with few channels on one side (a network's first and last, on images): no windows
 * are gathered; a tile of the source is copied once, with its border of zeros, and the kernels read
 * every window from that copy. Private to src/ops.
 *
 *   few values in a window   y[p,:] = sum_e x[p,e] w[e,:]      x[p,e] on all lanes, w in vectors
 *   few outputs              y[p,k] = sum_e x[p,e] w[e,k]      vectors along e, summed at the end
 *   weight gradient          dw[e,:] = sum_p x[p,e] dy[p,:]    x[p,e] on all lanes
 *
 * e runs over taps and channels of the window; a row of taps is contiguous in the copy.
 *
 * Measured, 3x3 on one image of 32x32, one Zen 5 core with AVX-512, microseconds (in brackets: windows
 * gathered and multiplied by BLAS):
 *                 1 -> 32     32 -> 1      1 -> 64     64 -> 1      3 -> 128    128 -> 3
 *   y           3.4  (18)   5.3  (59)   6.0  (24)   9.8 (115)    28  (71)    46 (335)
 *   dx          5.8  (56)   3.8  (19)    10 (114)   6.6  (28)    45 (339)    30  (81)
 *   dw          3.2  (38)   3.3  (55)   5.6  (66)   6.0 (111)    30 (141)    32 (328) */
#ifndef DIFFC_CONV2D_THIN_H
#define DIFFC_CONV2D_THIN_H

#include <stdbool.h>
#include <stddef.h>

#include "ops/conv2d_window.h"

enum { THIN_DEPTH = 32, THIN_OUTPUTS = 4 };

/* ---- the kernels, for one tile */
typedef struct {
    const float *source;      /* the copy */
    size_t row, across, down; /* floats to the next source row, grid pixel, grid row */
    size_t rows, cols;        /* of the grid */
    size_t taps, width;       /* rows of taps, floats in one */
    size_t K;                 /* columns of w, y and dy */
    const float *w;           /* [taps,width,K]; few_outputs: [taps,K,width] */
    const float *bias;        /* [K] or NULL */
    bool add;                 /* y += instead of y = */
    float *y;                 /* [rows,cols,K] */
    const float *dy;          /* the same shape */
    float *dw;                /* [taps,width,K], added to */
} ThinTile;

typedef struct {
    void (*few_inputs)(const ThinTile *t);
    void (*few_outputs)(const ThinTile *t);
    void (*gradient)(const ThinTile *t);
} ThinTable;

extern const ThinTable thin_table_plain, thin_table_avx2, thin_table_avx512;

/* ---- whole batches */

/* Whether thin_correlate pays for windows of g and K outputs, thin_gradient for windows of g. */
bool thin_serves(const Window *g, int K);
bool thin_gradient_serves(const Window *g);

/* y[n,p,:] = window(x)[n,p,:] w + bias, or added to y. w [depth,K]; bias may be NULL. */
size_t thin_correlate_scratch_floats(const Window *g, int K, int threads);
void thin_correlate(const Window *g, int N, int K, float *y, const float *x, const float *w,
                    const float *bias, bool add, float *scratch);

/* sum [depth,K] of window(x)[n,p,e] dy[n,p,k] over n and p, left in the scratch. */
size_t thin_gradient_scratch_floats(const Window *g, int N, int K, int threads);
const float *thin_gradient(const Window *g, int N, int K, const float *x, const float *dy,
                           float *scratch);

#endif
