/* Products by a BLAS: whatever library has cblas_sgemm (OpenBLAS, BLIS, Accelerate, MKL, netlib). It is
 * loaded when the level "blas" is chosen (vec.h), and not before: no other level depends on it, and what
 * it reads of the environment while it is loaded can still be set. */
#ifndef DIFFC_PRODUCT_BLAS_H
#define DIFFC_PRODUCT_BLAS_H

#include "base/err.h"

/* Whether this build was made for a library (make BLAS=...). */
bool product_blas_is_built(void);

/* Loads the library that this build was made for, holds it to one thread (loops above call it from
 * several threads at once), and compares a few small products with plain loops. OpenBLAS takes CPUs
 * newer than itself for very old ones, so it is given the core of this CPU's instruction set unless
 * OPENBLAS_CORETYPE says another. Further calls do nothing. False: the library is missing, or multiplies wrongly. */
bool product_blas_start(Err *err);

/* "OpenBLAS 0.3.21, core Haswell", or as much of that as the library says; "none" before the start.
 * Static text. */
const char *product_blas_name(void);

/* The core that the library chose, where it is made for less than this CPU has; or NULL. */
const char *product_blas_low_core(void);

#endif
