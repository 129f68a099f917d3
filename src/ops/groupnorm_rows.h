/* The inner loops of GroupNorm over the rows of one tile, compiled once per instruction set
 * (groupnorm_simd.c). Everything is per channel: the coefficients of a channel include the
 * statistics of its group. Private to src/ops. */
#ifndef DIFFC_GROUPNORM_ROWS_H
#define DIFFC_GROUPNORM_ROWS_H

#include <stdbool.h>
#include <stddef.h>

/* Rows of the coefficient table [COEFS][C]; u = x - mean:
 *   z = scale u + shift            zdot = scale xdot + dot_x u + dot_0
 *   out of the backward passes = scale mz + out_l lz + out_d xdot + out_x u + out_0 */
enum {
    COEF_MEAN,
    COEF_SCALE,
    COEF_SHIFT,
    COEF_DOT_X,
    COEF_DOT_0,
    COEF_OUT_X,
    COEF_OUT_0,
    COEF_OUT_L,
    COEF_OUT_D,
    COEFS
};

/* Rows of the table of sums [SUMS][C], in double. */
enum {
    SUM_V,  /* x; dz; xdot; mz */
    SUM_VU, /* x^2; and u times the others */
    SUM_L,  /* lz */
    SUM_LU, /* lz u */
    SUM_LD, /* lz xdot */
    SUMS
};

typedef struct {
    /* Channels; and floats from row to row of out, coefficients and sums: moments and forward may
     * take some channels of a wider table. */
    size_t rows, C, width;
    bool silu;
    const float *x, *xdot, *my, *ly; /* [rows,C]; those the function does not name may be NULL */
    float *out;
    bool set; /* backward, backward2: out is overwritten */
    /* [rows,C], with silu: written by the sums of a backward pass for its sweep; where out is
     * overwritten, mz may be out. */
    float *mz, *lz;
    const float *coef;
    double *sums; /* zeroed by the function */
} NormTile;

typedef void NormRow(const NormTile *t);
typedef struct {
    NormRow *moments;       /* sums of x, x^2 */
    NormRow *forward;       /* out = y */
    NormRow *backward_sums; /* sums of dz, dz u, from my = dy */
    NormRow *backward;      /* out += dx, or out = dx */
    NormRow *tangent_sums;  /* sums of xdot, xdot u */
    NormRow *tangent;       /* out = ydot */
    NormRow *backward2_sums;
    NormRow *backward2; /* the same with mx */
} NormRows;

extern const NormRows norm_rows_plain, norm_rows_avx2, norm_rows_avx512;

#endif
