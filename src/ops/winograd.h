/* 3x3 convolution, stride 1, padding 1 or none, float32 NHWC, by Winograd's minimal filtering (Winograd
 * 1980; Lavin & Gray 2016): forward, data gradient and weight gradient.
 *
 *   y tile [m,m] = A^T [ sum_c (G w_c G^T) . (B^T x_c B) ] A       x_c: the tile's (m+2)^2 inputs
 *   dw           = G^T [ sum_tiles (B^T x B) . (A dy A^T) ] G
 *
 * F(4x4,3x3) at the points 0, +-1/sqrt 2, +-sqrt 2, infinity: 36 products where the direct form has
 * 144, and four times smaller rounding errors than at 0, +-1, +-2. F(2x2,3x3) at 0, +-1, infinity
 * (16 for 36) for maps up to 6x6, where F4's larger weights and half empty tiles cost more. The
 * choice depends on H and W only, so an image's bits never depend on its batch.
 *
 * What it should cost (AVX-512, one core, cycles per tile and vector of 16 channels; P is the peak
 * of 32 multiply-adds a cycle). Input transform: 144 operations, 60 loads, 36 stores: 80-100 in L1;
 * measured 190 there and 260-320 with V in L2 (Emerald Rapids). Output transform: 130 operations and
 * 36 loads: 80-120.
 * Products: 36 C / 32 * 16 at 0.95 P. The direct form takes 4 times the products, so
 *   C = K = 32: 2.6 P    64: 3.1 P    128: 3.4 P    256: 3.6 P
 * less what memory takes: a block of 32 tiles reads all of U (36 C K floats) from the shared cache,
 * 4 bytes a cycle, a quarter of what it gives; x and y cost 128 (C + K) bytes a tile. Measured (one
 * thread, batch 8, tests/bench/conv_bench.c, Emerald Rapids): 2.15 P at 32, 2.8 P at 64, 3.0 P at 128.
 * What lacks at 32 is V on its way between L1 and L2: of a tile and vector 36 lines are fetched, and
 * 36 written back, 120 cycles at the 38 bytes a cycle of that machine's L2.
 *
 * Weight gradient: the same products; a work item is one half of the frequencies over all tiles, so
 * x and dy are transformed in two halves by two threads, with nothing shared and no waiting. The
 * sums of the item (18 C K floats) pass through once per chunk of 64-128 tiles. Measured: 1.7 P at
 * 32, 2.2 P at 64 and 128; at 8x8 the sums are made of few tiles.
 *
 * Few tiles (8 at most: an 8x8 map has 4): reading U from memory would take far longer than the
 * products, so the packed weights are the 9 of each pair of channels in the order of reading, and
 * the 36 (16) are made of them in the second-level cache, for 64 (128) channels at a time, and used
 * at once, while the next 9 are fetched; the bits are the same. 256 -> 256 at 8x8, one core, weights
 * in memory: 2.4 MB for 9.4, 197 us for 313 (transform 70, products 94, the rest transforms and
 * memory); from 16 tiles on the transform costs more than it saves (462 us for 372).
 *
 * Packed weights and scratch are laid out for the instruction set in use (vec.h): do not change
 * the level between packing and using. Both should begin on 64 bytes (mem.h gives that) and must
 * on 8; no other pointer needs alignment. */
#ifndef DIFFC_WINOGRAD_H
#define DIFFC_WINOGRAD_H

#include <stdbool.h>
#include <stddef.h>

#include "ops/ops.h"

/* Whether these kernels compute the convolution and pay: 3x3, stride 1, padding 1 or none on all sides, and at least
 * 8 channels on both sides. By shape only. */
bool winograd_serves(const Conv2dDims *d);
/* Operations of the products of one image's tiles: what is left of conv2d_flop. */
double winograd_flop(const Conv2dDims *d);

/* The dims of op_conv2d_fast. */
typedef struct {
    Conv2dDims conv;
    bool upsampled;            /* the image is seen through nearest upsampling by 2 */
    int shift_in, residual_in; /* inputs added to every pixel [N,K], and elementwise; 0: none */
} Conv2dFastDims;

/* x [N,H,W,C]; or, with upsampled (H and W even), [N,H/2,W/2,C] seen through nearest upsampling by
 * 2. */
typedef struct {
    const float *x;
    bool upsampled;
} WinogradInput;

/* H and W are those of the output, two less than those of x without padding.
 * y [N,H,W,K] = (add: +=) convolution + bias[k] + shift[n,k] + residual[n,h,w,k]; what is NULL is
 * zero. residual may be y itself. sums, if given, is [N,2,K]: per image and channel the sum of y and
 * of y^2 (up to 16 values at a time in float, those in double, in a fixed order). upsampled: the
 * gradient of nearest upsampling, y [N,H/2,W/2,K] of sums of 2x2 pixels. With add or upsampled all
 * else is NULL. */
typedef struct {
    float *y;
    bool add, upsampled;
    const float *bias, *shift, *residual;
    double *sums;
    double *segment_sums; /* set by winograd_convolve: [segments][2][k_vectors * lanes], or NULL */
} WinogradOutput;

/* Packed weights from w [3,3,C,K], once per change of w; transposed: for the data gradient. The dims
 * are those of the forward convolution in all of these: the form depends on them, N included. */
size_t winograd_packed_floats(const Conv2dDims *d);
void winograd_pack(const Conv2dDims *d, float *u, const float *w, bool transposed);

/* For the two below. */
size_t winograd_scratch_floats(const Conv2dDims *d, int threads);

/* What a convolution works in. A room is one thread's own; where all convolutions of a network find each thread's
 * room in one place, it stays in the cache of that thread's core. NULL: the rooms lie in the scratch. */
typedef struct {
    float *scratch; /* [winograd_scratch_floats] */
    float *rooms;   /* thread i's begins at i room_step; each has winograd_room_floats */
    size_t room_step;
} WinogradMemory;
size_t winograd_room_floats(const Conv2dDims *d);

/* The convolution; transposed: its data gradient, where the input is dy, of the output's height and width, the
 * output dx [N,H,W,C], and u was packed transposed. */
void winograd_convolve(const Conv2dDims *d, bool transposed, WinogradOutput y, WinogradInput x,
                       const float *u, WinogradMemory memory);
/* dw [3,3,C,K] += the gradient. Each sum runs over the tiles of the batch in order. */
void winograd_backward_weights(const Conv2dDims *d, float *dw, WinogradInput x, const float *dy,
                               float *scratch);

#endif
