/* Vectors whose lanes change places: shuffles of two, the transpose of as many as a vector has lanes. Only files that
 * are compiled once per instruction set include this. */
#ifndef DIFFC_MATH_VEC_SHUFFLE_H
#define DIFFC_MATH_VEC_SHUFFLE_H

#include "math/vec_simd.h"

/* Lane l is the element of a and b, end to end, that the l-th number names. */
#if !defined(__clang__) && __GNUC__ < 12
#define LANES_SHUFFLE(a, b, ...) __builtin_shuffle(a, b, (LanesBits){__VA_ARGS__})
#else
#define LANES_SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#endif

#if LANES == 16
#define LANES_INTERLEAVE_LOW(a, b)                                                                 \
    LANES_SHUFFLE(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#define LANES_INTERLEAVE_HIGH(a, b)                                                                \
    LANES_SHUFFLE(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
#elif LANES == 8
#define LANES_INTERLEAVE_LOW(a, b)  LANES_SHUFFLE(a, b, 0, 8, 1, 9, 2, 10, 3, 11)
#define LANES_INTERLEAVE_HIGH(a, b) LANES_SHUFFLE(a, b, 4, 12, 5, 13, 6, 14, 7, 15)
#else
#define LANES_INTERLEAVE_LOW(a, b)  LANES_SHUFFLE(a, b, 0, 4, 1, 5)
#define LANES_INTERLEAVE_HIGH(a, b) LANES_SHUFFLE(a, b, 2, 6, 3, 7)
#endif

/* Transposes LANES vectors by perfect shuffles: each interleaves rows i and i + LANES/2, and log2
 * LANES of them exchange the digits of the row's number with those of the column's. */
LANES_INLINE void lanes_transpose(Lanes *r)
{
    LANES_UNROLL
    for (int step = 1; step < LANES; step *= 2) {
        Lanes o[LANES];
        LANES_UNROLL
        for (int i = 0; i < LANES / 2; i++) {
            o[2 * i] = LANES_INTERLEAVE_LOW(r[i], r[i + LANES / 2]);
            o[2 * i + 1] = LANES_INTERLEAVE_HIGH(r[i], r[i + LANES / 2]);
        }
        LANES_UNROLL
        for (int i = 0; i < LANES; i++) r[i] = o[i];
    }
}

#endif
