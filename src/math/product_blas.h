/* Products by a BLAS: whatever library has cblas_sgemm (OpenBLAS, BLIS, Accelerate, MKL, netlib). It is
 * loaded when the level "blas" is chosen (vec.h), and not before: no other level depends on it, and what
 * it reads of the environment while it is loaded can still be set. Statistics of features also call its dgemm
 * and LAPACK's dsyevd, at any level; it is loaded for them when they are asked for. */
#ifndef DIFFC_PRODUCT_BLAS_H
#define DIFFC_PRODUCT_BLAS_H

#include <stdbool.h>

#include "base/err.h"

/* Whether this build was made for a library (make BLAS=...). */
bool product_blas_is_built(void);

/* Loads the library that this build was made for, holds it to one thread (loops above call it from
 * several threads at once), and compares a few small products with plain loops. OpenBLAS takes CPUs
 * newer than itself for very old ones, so it is given the core of this CPU's instruction set unless
 * OPENBLAS_CORETYPE says another. Further calls do nothing. False: the library is missing, or multiplies wrongly. */
bool product_blas_start(Err *err);

/* The same for the functions below, which need LAPACK too, at any level. `what` needs them; ERR_IO with what
 * to install or to build. */
bool product_blas_start_double(const char *what, Err *err);

/* C = A B + beta C in double, row-major, on the calling thread (double_matrix.h). */
void product_blas_double(bool transpose_a, bool transpose_b, int M, int N, int K, const double *a,
                         int lda, const double *b, int ldb, double beta, double *c, int ldc);
/* Eigenvalues of a [n, n] in ascending order, its eigenvectors as rows of a, on the calling thread. Only the upper part
 * of a is read. work [1 + 6 n + 2 n^2], whole [3 + 5 n]. What dsyevd says: 0 is right. */
int product_blas_eigen(double *a, int n, double *values, double *work, int *whole);

/* "OpenBLAS 0.3.21, core Haswell", or as much of that as the library says; "none" before the start.
 * Static text. */
const char *product_blas_name(void);

/* The core that the library chose, where it is made for less than this CPU has; or NULL. */
const char *product_blas_low_core(void);

#endif
