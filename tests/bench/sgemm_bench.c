/* The best that OpenBLAS's sgemm does on this machine now: square matrices, as many threads as asked
 * for. usage: sgemm_bench THREADS; prints "GFLOP/s core". */
#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"

enum { SIDE = 2048, LEAST = 3 };

int main(int argc, char **argv)
{
    float *a = mem_floats((size_t)SIDE * SIDE), *b = mem_floats((size_t)SIDE * SIDE);
    float *c = mem_floats((size_t)SIDE * SIDE);
    if (!a || !b || !c) return 1;
    openblas_set_num_threads(argc > 1 ? atoi(argv[1]) : 1);
    for (size_t i = 0; i < (size_t)SIDE * SIDE; i++) a[i] = b[i] = (float)(i % 17) - 8;
    double best = 1e30, end = clock_seconds() + 1;
    for (int n = 0; n < LEAST || clock_seconds() < end; n++) {
        double start = clock_seconds();
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, SIDE, SIDE, SIDE, 1, a, SIDE, b,
                    SIDE, 0, c, SIDE);
        double seconds = clock_seconds() - start;
        if (seconds < best) best = seconds;
    }
    printf("%.1f %s\n", 2e-9 * SIDE * SIDE * SIDE / best, openblas_get_corename());
    mem_free(a);
    mem_free(b);
    mem_free(c);
    return 0;
}
