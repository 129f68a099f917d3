#include "math/gemm.h"

#include <cblas.h>
#include <pthread.h>
#include <stdio.h>

static pthread_once_t started = PTHREAD_ONCE_INIT;
static char description[256];

/* Pins BLAS to one thread, before the first product. */
static void start(void)
{
    char version[160];
    /* The first two words of the build string are the name and the version. */
    int words = 0, n = 0;
    for (const char *p = openblas_get_config(); *p && n < (int)sizeof version - 1; p++) {
        if (*p == ' ' && ++words == 2) break;
        version[n++] = *p;
    }
    version[n] = '\0';
    snprintf(description, sizeof description, "%s %s", version, openblas_get_corename());
    openblas_set_num_threads(1);
}

const char *gemm_describe(void)
{
    pthread_once(&started, start);
    return description;
}

void gemm(bool transpose_a, bool transpose_b, int M, int N, int K, float alpha, const float *a,
          int lda, const float *b, int ldb, float beta, float *c, int ldc)
{
    if (M <= 0 || N <= 0) return;
    pthread_once(&started, start);
    cblas_sgemm(CblasRowMajor, transpose_a ? CblasTrans : CblasNoTrans,
                transpose_b ? CblasTrans : CblasNoTrans, M, N, K, alpha, a, lda, b, ldb, beta, c,
                ldc);
}
