/* Matrix products in float32, row-major. src/math/gemm.c is the one file that sees cblas; BLAS
 * always runs on one thread, and loops above call it from several threads at once. The bits of a
 * product depend on its shape, so callers split work by shape only. */
#ifndef DIFFC_GEMM_H
#define DIFFC_GEMM_H

#include <stdbool.h>

/* The name of the linked BLAS and the CPU core whose kernels it chose ("OpenBLAS 0.3.21 SkylakeX").
 * Static text. */
const char *gemm_describe(void);

/* C[M,N] = alpha * op(A)[M,K] * op(B)[K,N] + beta * C. op transposes when its flag is set; ld* is
 * the distance between rows as stored. beta = 0 overwrites C whatever it held, NaN included.
 * M, N or K may be 0. */
void gemm(bool transpose_a, bool transpose_b, int M, int N, int K, float alpha, const float *a,
          int lda, const float *b, int ldb, float beta, float *c, int ldc);

#endif
