/* Vectors for the files named *_simd.c, which are compiled once per instruction set: `Lanes` is as
 * wide as that set's registers (GCC and clang vector extensions, so arm64 takes the same code).
 * Only *_simd.c files include this.
 *
 * LANES_EACH(n, statement) runs the statement with i = 0, LANES, 2 LANES, ... and k = the number
 * of floats from i on that belong to it: LANES, at last perhaps fewer. lanes_load and lanes_store
 * touch only those k, so an element's arithmetic does not depend on where the caller splits. */
#ifndef DIFFC_VEC_SIMD_H
#define DIFFC_VEC_SIMD_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__AVX512F__)
#include <immintrin.h>
#define LANES 16
#elif defined(__AVX2__)
#include <immintrin.h>
#define LANES 8
#else
#define LANES 4
#endif

typedef float Lanes __attribute__((vector_size(LANES * 4)));
typedef uint32_t LanesBits __attribute__((vector_size(LANES * 4)));
typedef double LanesDouble __attribute__((vector_size(LANES * 4))); /* half as many */

#define LANES_EACH(n, ...)                                                                         \
    do {                                                                                           \
        size_t i = 0;                                                                              \
        for (; i + LANES <= (n); i += LANES) {                                                     \
            const size_t k = LANES;                                                                \
            __VA_ARGS__;                                                                           \
        }                                                                                          \
        if (i < (n)) {                                                                             \
            const size_t k = (n)-i;                                                                \
            __VA_ARGS__;                                                                           \
        }                                                                                          \
    } while (0)

#define LANES_INLINE static inline __attribute__((always_inline, unused))

/* The first k lanes alone, by masks where the level has them. */
#if LANES == 16
LANES_INLINE Lanes lanes_load_first(const float *p, size_t k)
{
    return (Lanes)_mm512_maskz_loadu_ps((__mmask16)((1u << k) - 1), p);
}

LANES_INLINE void lanes_store_first(float *p, Lanes v, size_t k)
{
    _mm512_mask_storeu_ps(p, (__mmask16)((1u << k) - 1), (__m512)v);
}
#else
LANES_INLINE Lanes lanes_load_first(const float *p, size_t k)
{
    Lanes v = {0};
    for (size_t j = 0; j < k; j++) v[j] = p[j];
    return v;
}

LANES_INLINE void lanes_store_first(float *p, Lanes v, size_t k)
{
    for (size_t j = 0; j < k; j++) p[j] = v[j];
}
#endif

/* The lanes past k are zero. */
LANES_INLINE Lanes lanes_load(const float *p, size_t k)
{
    Lanes v;
    if (k != LANES) return lanes_load_first(p, k);
    memcpy(&v, p, sizeof v);
    return v;
}

LANES_INLINE void lanes_store(float *p, Lanes v, size_t k)
{
    if (k == LANES)
        memcpy(p, &v, sizeof v);
    else
        lanes_store_first(p, v, k);
}

LANES_INLINE Lanes lanes_set(float a)
{
    return a - (Lanes){0};
}

/* The first and the second half of the lanes in double. GCC 12 makes one instruction of a
 * conversion whose result is as wide as a register only from intrinsics. */
#if LANES == 16
LANES_INLINE LanesDouble lanes_low(Lanes v)
{
    return (LanesDouble)_mm512_cvtps_pd(_mm512_castps512_ps256((__m512)v));
}

LANES_INLINE LanesDouble lanes_high(Lanes v)
{
    return (LanesDouble)_mm512_cvtps_pd(_mm512_extractf32x8_ps((__m512)v, 1));
}
#elif LANES == 8
LANES_INLINE LanesDouble lanes_low(Lanes v)
{
    return (LanesDouble)_mm256_cvtps_pd(_mm256_castps256_ps128((__m256)v));
}

LANES_INLINE LanesDouble lanes_high(Lanes v)
{
    return (LanesDouble)_mm256_cvtps_pd(_mm256_extractf128_ps((__m256)v, 1));
}
#else
LANES_INLINE LanesDouble lanes_low(Lanes v)
{
    return __builtin_convertvector(__builtin_shufflevector(v, v, 0, 1), LanesDouble);
}

LANES_INLINE LanesDouble lanes_high(Lanes v)
{
    return __builtin_convertvector(__builtin_shufflevector(v, v, 2, 3), LanesDouble);
}
#endif

/* sum[j] += v[j] for the first k lanes */
LANES_INLINE void lanes_add_double(double *sum, Lanes v, size_t k)
{
    if (k != LANES) {
        for (size_t j = 0; j < k; j++) sum[j] += (double)v[j];
        return;
    }
    LanesDouble low, high;
    memcpy(&low, sum, sizeof low);
    memcpy(&high, sum + LANES / 2, sizeof high);
    low += lanes_low(v);
    high += lanes_high(v);
    memcpy(sum, &low, sizeof low);
    memcpy(sum + LANES / 2, &high, sizeof high);
}

/* sum[j] += v[j]^2 for the first k lanes; the squares are exact */
LANES_INLINE void lanes_add_double_squares(double *sum, Lanes v, size_t k)
{
    if (k != LANES) {
        for (size_t j = 0; j < k; j++) sum[j] += (double)v[j] * (double)v[j];
        return;
    }
    LanesDouble low, high;
    memcpy(&low, sum, sizeof low);
    memcpy(&high, sum + LANES / 2, sizeof high);
    low += lanes_low(v) * lanes_low(v);
    high += lanes_high(v) * lanes_high(v);
    memcpy(sum, &low, sizeof low);
    memcpy(sum + LANES / 2, &high, sizeof high);
}

LANES_INLINE double lanes_sum(LanesDouble v)
{
    double sum = 0;
    for (int j = 0; j < LANES / 2; j++) sum += v[j];
    return sum;
}

/* mask ? a : b, mask being all ones or all zeros per lane as comparisons give it. */
#define LANES_SELECT(mask, a, b)                                                                   \
    ((Lanes)(((LanesBits)(mask) & (LanesBits)(a)) | (~(LanesBits)(mask) & (LanesBits)(b))))

enum { LANES_EXP_FLOOR = -104 }; /* exp of this rounds to 0 in float */

/* exp(x) for x <= 88, within 2 ulp; below the floor it is 0; NaN stays NaN. exp(x) = 2^n exp(r)
 * with n = round(x / ln 2) and |r| <= ln 2 / 2, where the Taylor polynomial of degree 7 is exact
 * to 6e-9. 2^n is applied in two halves, so that results below 2^-126 round once, gradually. */
LANES_INLINE Lanes lanes_exp(Lanes x)
{
    const Lanes floor_ = lanes_set((float)LANES_EXP_FLOOR);
    x = LANES_SELECT(x < floor_, floor_, x);
    /* Adding 1.5 * 2^23 rounds to an integer, which then stands in the low bits. */
    const float rounder = 12582912.0f;
    Lanes shifted = x * 1.44269504f + rounder;
    Lanes n = shifted - rounder;
    /* ln 2 in two parts, the first with so few bits that n times it is exact. */
    Lanes r = (x - n * 0.693359375f) - n * -2.12194440e-4f;
    Lanes p = r * (1.0f / 5040) + 1.0f / 720;
    p = p * r + 1.0f / 120;
    p = p * r + 1.0f / 24;
    p = p * r + 1.0f / 6;
    p = p * r + 0.5f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    /* n + 256 is positive; its halves sum to it. */
    LanesBits whole = (LanesBits)shifted - 0x4b400000u + 256u;
    LanesBits half = whole >> 1;
    Lanes first = (Lanes)((half - 1u) << 23), second = (Lanes)((whole - half - 1u) << 23);
    return p * first * second;
}

/* s = 1/(1+exp(-x)) and 1 - s without cancellation. `clamped` is x within +-104, where products
 * such as x s and x (1-s) already have their limits (0 instead of the NaN of inf * 0). */
typedef struct {
    Lanes s, one_minus, clamped;
} LanesSigmoid;

LANES_INLINE LanesSigmoid lanes_sigmoid(Lanes x)
{
    const LanesBits sign = {0};
    LanesBits negative = (LanesBits)x & (sign + 0x80000000u);
    Lanes down = (Lanes)((LanesBits)x | (sign + 0x80000000u)); /* -|x| */
    const Lanes floor_ = lanes_set((float)LANES_EXP_FLOOR);
    down = LANES_SELECT(down < floor_, floor_, down);
    Lanes e = lanes_exp(down);
    Lanes large = 1.0f / (1.0f + e), small = e * large;
    LanesSigmoid out;
    LanesBits below = (LanesBits)(negative != 0);
    out.s = LANES_SELECT(below, small, large);
    out.one_minus = LANES_SELECT(below, large, small);
    out.clamped = (Lanes)((LanesBits)down ^ (sign + 0x80000000u) ^ negative);
    return out;
}

LANES_INLINE Lanes lanes_silu(Lanes x)
{
    LanesSigmoid g = lanes_sigmoid(x);
    /* Only the lower clamp: for large x the product is x itself. */
    return LANES_SELECT(x < g.clamped, g.clamped, x) * g.s;
}

/* d1 = s (1 + x (1-s)) */
LANES_INLINE Lanes lanes_silu_slope(Lanes x)
{
    LanesSigmoid g = lanes_sigmoid(x);
    return g.s * (g.clamped * g.one_minus + 1.0f);
}

/* d1 and d2 = s (1-s) (2 + x (1-2s)) */
LANES_INLINE void lanes_silu_slopes(Lanes x, Lanes *d1, Lanes *d2)
{
    LanesSigmoid g = lanes_sigmoid(x);
    *d1 = g.s * (g.clamped * g.one_minus + 1.0f);
    *d2 = g.s * g.one_minus * (g.clamped * (g.one_minus - g.s) + 2.0f);
}

#endif
