/* The functions of vec.h at one instruction set; src/math/vec_simd.c makes one table for each. */
#ifndef DIFFC_VEC_TABLE_H
#define DIFFC_VEC_TABLE_H

#include "math/vec.h"

typedef struct {
    void (*add)(float *y, const float *a, const float *b, size_t n);
    void (*axpy)(float *y, float a, const float *x, size_t n);
    void (*scale)(float *y, float a, const float *x, size_t n);
    double (*dot)(const float *a, const float *b, size_t n);
    void (*column_sums)(double *sum, const float *x, size_t rows, size_t stride, size_t n);
    void (*silu)(float *y, const float *x, size_t n);
    void (*silu_backward)(float *dx, const float *dy, const float *x, size_t n);
    void (*silu_tangent)(float *ydot, const float *x, const float *xdot, size_t n);
    void (*silu_backward2)(float *mx, const float *my, const float *ly, const float *x,
                           const float *xdot, size_t n);
    void (*softmax)(float *p, float scale, size_t n);
    void (*adam)(float *w, float *m, float *v, float *ema, const float *grad, size_t n,
                 const AdamStep *step);
} VecTable;

extern const VecTable vec_table_plain, vec_table_avx2, vec_table_avx512;

#endif
