#include "math/double_matrix.h"

#include <stddef.h>

#include "base/mem.h"
#include "base/parallel.h"
#include "math/product_blas.h"

enum { TILE = 256 };

bool double_matrix_start(const char *what, Err *err)
{
    return product_blas_start_double(what, err);
}

static int min_int(int a, int b)
{
    return a < b ? a : b;
}

static void run_tile(const DoubleProduct *p, int row, int column)
{
    const double *a = p->a + (size_t)row * (p->transpose_a ? 1 : (size_t)p->lda);
    const double *b = p->b + (size_t)column * (p->transpose_b ? (size_t)p->ldb : 1);
    product_blas_double(p->transpose_a, p->transpose_b, min_int(TILE, p->M - row),
                        min_int(TILE, p->N - column), p->K, a, p->lda, b, p->ldb, p->beta,
                        p->c + (size_t)row * (size_t)p->ldc + column, p->ldc);
}

void double_product(const DoubleProduct *p)
{
    int rows = (p->M + TILE - 1) / TILE, columns = (p->N + TILE - 1) / TILE;
#pragma omp parallel for num_threads(parallel_threads()) schedule(dynamic)
    for (int unit = 0; unit < rows * columns; unit++)
        if (!p->upper || unit % columns >= unit / columns)
            run_tile(p, unit / columns * TILE, unit % columns * TILE);
}

void double_mirror(double *a, int n)
{
    for (size_t i = 0; i < (size_t)n; i++)
        for (size_t j = i + 1; j < (size_t)n; j++) a[j * (size_t)n + i] = a[i * (size_t)n + j];
}

bool symmetric_eigen(double *a, int n, double *values, Err *err)
{
    size_t order = (size_t)n;
    double *work = mem_doubles(1 + 6 * order + 2 * order * order);
    int *whole = mem_alloc(3 + 5 * order, sizeof *whole);
    bool ok = (work && whole) ||
              err_set(err, ERR_MEMORY, "not enough memory for the eigenvectors of a %d x %d matrix",
                      n, n);
    int info = ok && n > 0 ? product_blas_eigen(a, n, values, work, whole) : 0;
    CHECK(info >= 0);
    mem_free(work);
    mem_free(whole);
    return ok && (info == 0 || err_set(err, ERR_LIMIT,
                                       "LAPACK finds no eigenvalues of a %d x %d matrix (dsyevd "
                                       "ends with %d)",
                                       n, n, info));
}
