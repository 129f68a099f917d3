/* Matrix products, float32, row-major: by register tiles of our own (src/math/product_simd.c), or at
 * the level "blas" (vec.h) by a library's sgemm (src/math/product_blas.c).
 *
 *   C[M,N] = alpha A[M,K] B[K,N] + bias + beta D
 *
 * Each element's sum is one chain over k = 0, 1, ... K-1 in float32 (fused multiply-adds where the
 * level has them), started at 0; then alpha times it plus bias[j], then beta times D[i,j] is added.
 * So its bits depend neither on M and N, nor on the rows and columns it is computed with, nor on
 * threads, nor on packing: the rows of all images of a batch are one matrix.
 *   A library promises less: the bits of an element follow the shape of its call and its place in it.
 * So a product is cut into calls by its shape alone, and each image (image_rows) begins with a call of
 * its own; products of fewer than PRODUCT_LIBRARY_ROWS rows an image are made by our own tiles there too.
 *
 * A call costs 2 M N K FLOP. The kernel holds 14 rows by 2 vectors in registers (AVX-512; elsewhere
 * 6 or 12 rows): for each k, 28 multiply-adds for 16 loads, so multiply-adds set the pace. A panel
 * of B (2 vectors of columns) is read once for every 14 rows, from L1 while K <= 256 and from L2
 * beyond; A once for each panel, after the first time from L2. From memory come 4 (M K + N K + M N)
 * bytes, 4 M N more with D: at 16 FLOP a byte and more, which is N, K >= 64, that is hidden. Packing
 * B moves 8 N K bytes, about 4/M (transposed: 12/M) of the product's time. Measured (2 cores of
 * Zen 5, peak 535 GFLOP/s, medians, tests/bench/product_bench.c): 0.92 of peak at M = 8192, N = 64,
 * K = 128; 0.94 at N = K = 256; 0.87 at M = 32768, N = 32, K = 96; 0.75 to 0.9 with B transposed and
 * D = C; 3 us at M = 32, N = K = 128. */
#ifndef DIFFC_PRODUCT_H
#define DIFFC_PRODUCT_H

#include <stdbool.h>
#include <stddef.h>

typedef struct {
    int M, N, K; /* any may be 0 */
    /* 0, or the rows of one image where M is those of several: also when B is packed. Its bits then
     * do not depend on the other images, whatever makes the product. */
    int image_rows;
    const float *a;
    int lda;          /* floats from row to row as stored, here and below */
    bool transpose_a; /* A[i,k] = a[k lda + i] instead of a[i lda + k] */
    /* Not NULL: the columns of A from K_a > 0 on are a_rest[i lda_rest + k - K_a]. Not where A is
     * transposed. */
    const float *a_rest;
    int K_a, lda_rest;
    const float *b;
    int ldb;
    bool transpose_b; /* B[k,j] = b[j ldb + k] instead of b[k ldb + j] */
    /* B made by product_pack of the same transpose_b and image_rows, instead of b; or NULL */
    const float *packed;
    float alpha;
    const float *bias; /* [N] or NULL */
    float beta;        /* 0: D is not read, and C is overwritten whatever it held */
    const float *d;    /* [M,N]; may be c: C is added to */
    int ldd;
    float *c;
    int ldc;
} Product;

enum { PRODUCT_LIBRARY_ROWS = 32 };

/* Whether bits follow the shape of a product (the level is "blas"): then whoever cuts a product into
 * several does so by shape, never by the number of threads. */
bool product_follows_shape(void);

/* B in the order in which the kernel reads it. The form belongs to the level (vec.h) in use. */
size_t product_packed_floats(int N, int K);
void product_pack(const Product *p, float *packed);

/* Whether a product takes less time than waking another thread. */
bool product_is_small(int M, int N, int K);

/* Runs on all threads, unless the product is small. scratch: product_scratch_floats(N, K, parallel_threads()), which no
 * call with `packed` touches. Each thread packs for itself: fetching what another core has just
 * written takes longer. */
size_t product_scratch_floats(int N, int K, int threads);
void product_run(const Product *p, float *scratch);

/* The same on the calling thread alone, for loops that are parallel themselves. */
size_t product_scratch_here_floats(int N, int K);
void product_pack_here(const Product *p, float *packed);
void product_run_here(const Product *p, float *scratch);

#endif
