#ifndef DIFFC_TESTS_GEMM_REFERENCE_H
#define DIFFC_TESTS_GEMM_REFERENCE_H

#include <stdbool.h>

/* gemm by plain loops, sums in double. */
void gemm_reference(bool transpose_a, bool transpose_b, int M, int N, int K, float alpha,
                    const float *a, int lda, const float *b, int ldb, float beta, float *c,
                    int ldc);

#endif
