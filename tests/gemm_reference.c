#include "gemm_reference.h"

void gemm_reference(bool transpose_a, bool transpose_b, int M, int N, int K, float alpha,
                    const float *a, int lda, const float *b, int ldb, float beta, float *c, int ldc)
{
    for (int i = 0; i < M; i++) {
        for (int j = 0; j < N; j++) {
            double sum = 0;
            for (int k = 0; k < K; k++) {
                float x = transpose_a ? a[(long)k * lda + i] : a[(long)i * lda + k];
                float y = transpose_b ? b[(long)j * ldb + k] : b[(long)k * ldb + j];
                sum += (double)x * (double)y;
            }
            float *out = &c[(long)i * ldc + j];
            *out = (float)((double)alpha * sum + (beta == 0 ? 0.0 : (double)beta * (double)*out));
        }
    }
}
