/* Matrices in double, row-major, for statistics of features: products and eigenvectors by the library of
 * product_blas.h, which must have LAPACK for the latter. A product is cut into calls by its shape alone and
 * each runs on one thread, so that the number of threads changes no bit. */
#ifndef DIFFC_DOUBLE_MATRIX_H
#define DIFFC_DOUBLE_MATRIX_H

#include <stdbool.h>

#include "base/err.h"

/* Loads and checks the library; must come before the others. `what` needs it: "the Frechet distance". ERR_IO with
 * what to install or to build where there is none, or it has no LAPACK. Further calls do nothing. */
bool double_matrix_start(const char *what, Err *err);

/* C[M,N] = A[M,K] B[K,N] + beta C. */
typedef struct {
    int M, N, K;
    const double *a;
    int lda;          /* numbers from row to row as stored, here and below */
    bool transpose_a; /* A[i,k] = a[k lda + i] instead of a[i lda + k] */
    const double *b;
    int ldb;
    bool transpose_b; /* B[k,j] = b[j ldb + k] instead of b[k ldb + j] */
    double beta;      /* 0: C is overwritten whatever it held */
    double *c;
    int ldc;
    bool upper; /* C is symmetric: only j >= i are promised to be right */
} DoubleProduct;
void double_product(const DoubleProduct *p);

/* a[j,i] = a[i,j] for j > i. */
void double_mirror(double *a, int n);

/* Eigenvalues of the symmetric a [n, n], of which only j >= i are read, in ascending order. a becomes the
 * eigenvectors, row i that of values[i]. Takes one thread, and about 2 n^2 numbers of memory. ERR_MEMORY;
 * ERR_LIMIT where LAPACK does not converge (not finite numbers are a programmer's error). */
bool symmetric_eigen(double *a, int n, double *values, Err *err);

#endif
