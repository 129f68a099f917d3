/* Vector primitives on float rows, called as vec->add(y, a, b, n): src/math/vec_simd.c makes one table of
 * them for each instruction set (plain, AVX2+FMA, AVX-512). Elementwise results and sums are the same for
 * any split a caller makes by shape. No pointer needs alignment. Outputs may equal inputs where the
 * formula is elementwise. */
#ifndef DIFFC_VEC_H
#define DIFFC_VEC_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* What computes: vectors and products of our own at one instruction set, or at SIMD_BLAS the products of
 * a library (product_blas.h) and the best vectors of this CPU. The level is chosen before main:
 * DIFFC_CPU=plain|avx2|avx512|blas, or without it the best. */
typedef enum { SIMD_PLAIN, SIMD_AVX2, SIMD_AVX512, SIMD_BLAS, SIMD_LEVELS } SimdLevel;

/* Chooses as before main. False when DIFFC_CPU names an unknown level or one that this CPU or this build
 * lacks, or when the library of SIMD_BLAS does not work; the level is then left as it was. */
bool vec_init(Err *err);
const char *vec_level(void);
/* The level, at SIMD_BLAS with the library: "avx2", "blas (OpenBLAS 0.3.21, core Haswell)". Static text. */
const char *vec_describe(void);

SimdLevel vec_chosen_level(void);
bool vec_uses_blas(void);
/* What vec_init chooses without DIFFC_CPU: this CPU's instruction set where there are kernels of our own
 * for it, otherwise SIMD_BLAS, or SIMD_PLAIN in a build without a BLAS. */
SimdLevel vec_best_level(void);
SimdLevel vec_cpu_level(void); /* the best vectors for this CPU in this build */
const char *vec_level_name(SimdLevel level);
bool vec_set_level(SimdLevel wanted); /* for tests; false as vec_init */

/* For files that are compiled once per instruction set themselves (*_simd.c): each exports one constant
 * NAME_plain, NAME_avx2, NAME_avx512, and SIMD_TABLE(NAME) is the one of the vectors in use. */
SimdLevel vec_simd_level(void);
#ifdef SIMD_X86
#define SIMD_TABLE(name)                                                                           \
    (*(vec_simd_level() == SIMD_AVX512 ? &name##_avx512                                            \
       : vec_simd_level() == SIMD_AVX2 ? &name##_avx2                                              \
                                       : &name##_plain))
#else
#define SIMD_TABLE(name) (name##_plain)
#endif

/* One AdamW update of n parameters (Kingma & Ba 2015; Loshchilov & Hutter 2019), gradients first
 * multiplied by grad_scale:
 *   g = grad_scale * grad;  m = b1 m + (1-b1) g;  v = b2 v + (1-b2) g^2
 *   w -= lr * (m / c1 / (sqrt(v / c2) + eps) + decay * w),  c1 = 1 - b1^step, c2 = 1 - b2^step
 * and, in the same sweep, ema += (1 - ema_decay) (w - ema) when ema is not NULL. For plain Adam
 * with L2 the caller passes l2 > 0 instead of decay: g += l2 * w. */
typedef struct {
    float lr, b1, b2, eps, decay, l2, c1, c2, grad_scale, ema_decay;
} AdamStep;

typedef struct {
    int lanes;                                                       /* floats of a register */
    void (*add)(float *y, const float *a, const float *b, size_t n); /* y = a + b */
    void (*axpy)(float *y, float a, const float *x, size_t n);       /* y += a x */
    void (*scale)(float *y, float a, const float *x, size_t n);      /* y = a x */

    /* Sums in double, fixed order. */
    double (*dot)(const float *a, const float *b, size_t n);
    /* sum[i] += x[t * stride + i] over t = 0 .. rows-1, for each i < n. */
    void (*column_sums)(double *sum, const float *x, size_t rows, size_t stride, size_t n);

    /* s = 1/(1+exp(-x)). silu: relative error below 3e-7 for |x| <= 60 and below 4e-7 up to 88; beyond,
     * where exp(-|x|) leaves the range of floats, 1e-36 may stand for 0. NaN stays NaN.
     * silu: y = x s.   d1 = s (1 + x (1-s)),   d2 = s (1-s) (2 + x (1-2s)). */
    void (*silu)(float *y, const float *x, size_t n);
    void (*silu_backward)(float *dx, const float *dy, const float *x, size_t n); /* dx += d1 dy */
    void (*silu_tangent)(float *ydot, const float *x, const float *xdot, size_t n); /* = d1 xdot */
    /* mx += d1 my + d2 xdot ly */
    void (*silu_backward2)(float *mx, const float *my, const float *ly, const float *x,
                           const float *xdot, size_t n);

    /* In place: p = softmax(scale * p) over n > 0 values; the largest is subtracted first; values
     * below the smallest normal float (1.2e-38) become 0. */
    void (*softmax)(float *p, float scale, size_t n);

    void (*adam)(float *w, float *m, float *v, float *ema, const float *grad, size_t n,
                 const AdamStep *step);

    /* For the machine's roof (roof.h): `rounds` multiply-adds in each of VEC_CHAINS registers, none of which
     * waits for another: as many as hide the time that one takes. The result is of no use, but has to be
     * used. */
    float (*multiply_adds)(long rounds);
} VecTable;
enum { VEC_CHAINS = 12 };

/* The table of the vectors in use. */
extern const VecTable *vec;
extern const VecTable vec_table_plain, vec_table_avx2, vec_table_avx512;

/* y += x */
static inline void vec_accumulate(float *y, const float *x, size_t n)
{
    vec->add(y, y, x, n);
}

static inline double vec_sum_squares(const float *x, size_t n)
{
    return vec->dot(x, x, n);
}

#endif
