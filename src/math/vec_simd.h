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
#elif defined(__AVX2__) && defined(__FMA__)
#include <immintrin.h>
#define LANES 8
#else
#define LANES 4
#if defined(__aarch64__)
#include <arm_neon.h>
#endif
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

/* Before a loop of few constant steps over an array of vectors, which then stays in registers. clang
 * with the sanitizers' checks in every copy needs many minutes for a file: there the loops stay. */
#if !defined(__clang__)
#define LANES_UNROLL _Pragma("GCC unroll 16")
#elif __has_feature(undefined_behavior_sanitizer)
#define LANES_UNROLL
#else
#define LANES_UNROLL _Pragma("clang loop unroll(full)")
#endif

#define LANES_INLINE static inline __attribute__((always_inline, unused))

/* Hides where a pointer or a distance comes from. Without it gcc computes the distances of all elements of an unrolled
 * loop beforehand and reads each from the stack, which takes as many instructions again as the arithmetic. */
#define KEEP_IN_REGISTER(value) __asm__("" : "+r"(value))

/* The name of a file's table at the level for which it is compiled: SIMD_TABLE (vec.h) finds it. */
#define SIMD_TABLE_HERE(name)        SIMD_TABLE_AT(name, SIMD_LEVEL)
#define SIMD_TABLE_AT(name, level)   SIMD_TABLE_JOIN(name, level)
#define SIMD_TABLE_JOIN(name, level) name##_##level

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

/* Stores a vector to p, a multiple of the vector's size, for what is not read soon: where a vector
 * is a whole cache line, the line is neither read first nor kept. Other threads see it after
 * lanes_stream_end. */
LANES_INLINE void lanes_stream(float *p, Lanes v)
{
#if LANES == 16
    _mm512_stream_ps(p, (__m512)v);
#else
    lanes_store(p, v, LANES);
#endif
}

LANES_INLINE void lanes_stream_end(void)
{
#if LANES == 16
    _mm_sfence();
#endif
}

LANES_INLINE Lanes lanes_set(float a)
{
    return a - (Lanes){0};
}

/* ---- Fused multiply-adds. Compilers may not fuse on their own (-ffp-contract=off): each chooses
 * other products, and the same formula in two loops would give two results. What should be fused is
 * written with these functions: fused where the level has such an instruction, and a product that is
 * rounded before the sum where it has not. ---- */

#if LANES >= 8 || defined(__aarch64__)
#define LANES_FUSED 1
#else
#define LANES_FUSED 0
#endif

/* a b + c */
LANES_INLINE Lanes lanes_fma(Lanes a, Lanes b, Lanes c)
{
#if LANES == 16
    return (Lanes)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif LANES == 8
    return (Lanes)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#elif LANES_FUSED
    return (Lanes)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
#else
    return a * b + c;
#endif
}

/* sum += a b. The same bits as lanes_fma, in an instruction that a compiler cannot change for one of its other forms,
 * whose result lies in the register of a factor: gcc copies sums from register to register so, a tenth of a product's
 * instructions. */
LANES_INLINE void lanes_accumulate(Lanes *sum, Lanes a, Lanes b)
{
#if LANES == 8
    __asm__("vfmadd231ps %1, %2, %0" : "+x"(*sum) : "x"(a), "x"(b));
#else
    *sum = lanes_fma(a, b, *sum);
#endif
}

/* c - a b */
LANES_INLINE Lanes lanes_fnma(Lanes a, Lanes b, Lanes c)
{
#if LANES == 16
    return (Lanes)_mm512_fnmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif LANES == 8
    return (Lanes)_mm256_fnmadd_ps((__m256)a, (__m256)b, (__m256)c);
#elif LANES_FUSED
    return (Lanes)vfmsq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
#else
    return c - a * b;
#endif
}

/* a b + c in double */
LANES_INLINE LanesDouble lanes_fma_double(LanesDouble a, LanesDouble b, LanesDouble c)
{
#if LANES == 16
    return (LanesDouble)_mm512_fmadd_pd((__m512d)a, (__m512d)b, (__m512d)c);
#elif LANES == 8
    return (LanesDouble)_mm256_fmadd_pd((__m256d)a, (__m256d)b, (__m256d)c);
#elif LANES_FUSED
    return (LanesDouble)vfmaq_f64((float64x2_t)c, (float64x2_t)a, (float64x2_t)b);
#else
    return a * b + c;
#endif
}

/* a b + c of single floats: compilers make vectors of loops over it. */
LANES_INLINE float lane_fma(float a, float b, float c)
{
#if LANES_FUSED
    return __builtin_fmaf(a, b, c);
#else
    return a * b + c;
#endif
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
    return (LanesDouble){(double)v[0], (double)v[1]};
}

LANES_INLINE LanesDouble lanes_high(Lanes v)
{
    return (LanesDouble){(double)v[2], (double)v[3]};
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

LANES_INLINE double lanes_sum(LanesDouble v)
{
    double sum = 0;
    for (int j = 0; j < LANES / 2; j++) sum += v[j];
    return sum;
}

/* mask ? a : b, mask being all ones or all zeros per lane as comparisons give it. */
#define LANES_SELECT(mask, a, b)                                                                   \
    ((Lanes)(((LanesBits)(mask) & (LanesBits)(a)) | (~(LanesBits)(mask) & (LanesBits)(b))))

/* max(bound, x) and min(bound, x); NaN in x stays. GCC 12 makes one instruction of them only from
 * intrinsics. */
LANES_INLINE Lanes lanes_at_least(Lanes bound, Lanes x)
{
#if LANES == 16
    return (Lanes)_mm512_max_ps((__m512)bound, (__m512)x);
#elif LANES == 8
    return (Lanes)_mm256_max_ps((__m256)bound, (__m256)x);
#else
    return LANES_SELECT(x < bound, bound, x);
#endif
}

LANES_INLINE Lanes lanes_at_most(Lanes bound, Lanes x)
{
#if LANES == 16
    return (Lanes)_mm512_min_ps((__m512)bound, (__m512)x);
#elif LANES == 8
    return (Lanes)_mm256_min_ps((__m256)bound, (__m256)x);
#else
    return LANES_SELECT(x > bound, bound, x);
#endif
}

/* exp(x) = p 2^n for |x| <= 88, with n = round(x / ln 2), |x - n ln 2| <= ln 2 / 2 and p the
 * polynomial of degree 5 that is nearest to exp there: relative error 8e-8, and with its rounding
 * 1.5e-7. With FMA, n times the rounded ln 2 is exact up to 1.9e-9 n; without, ln 2 stands in two
 * parts, the first with so few bits that n times it is exact. */
typedef struct {
    Lanes p, power;
} LanesExp;

LANES_INLINE LanesExp lanes_exp_parts(Lanes x)
{
    /* Adding 1.5 * 2^23 + 127 rounds to an integer, which then stands in the low bits with the bias
     * of an exponent on it. */
    const float rounder = 12582912.0f + 127.0f;
    Lanes shifted = lanes_fma(x, lanes_set(1.44269504f), lanes_set(rounder));
    Lanes n = shifted - rounder;
#if LANES_FUSED
    Lanes r = lanes_fnma(n, lanes_set(0.693147182f), x);
#else
    Lanes r = (x - n * 0.693359375f) - n * -2.12194440e-4f;
#endif
    Lanes p = lanes_fma(r, lanes_set(0.00829761909f), lanes_set(0.0419156291f));
    p = lanes_fma(p, r, lanes_set(0.166675765f));
    p = lanes_fma(p, r, lanes_set(0.499988927f));
    p = lanes_fma(p, r, lanes_set(0.999999691f));
    p = lanes_fma(p, r, lanes_set(1.00000007f));
    return (LanesExp){.p = p, .power = (Lanes)((LanesBits)shifted << 23)};
}

/* exp(x) for x <= 88, relative error below 5e-7; below -87.3, where floats lose digits, 0; NaN
 * stays NaN. */
LANES_INLINE Lanes lanes_exp(Lanes x)
{
    const Lanes least = lanes_set(-87.3f);
    LanesExp e = lanes_exp_parts(lanes_at_least(least, x));
    return (Lanes)((LanesBits)(e.p * e.power) & ~(LanesBits)(x < least));
}

/* s = 1/(1+exp(-x)) and 1 - s without cancellation. `clamped` is x within +-88, where products such
 * as x s and x (1-s) have their limits up to 1e-36 (and not the NaN of inf * 0), and exp(-x) is
 * finite. */
typedef struct {
    Lanes s, one_minus, clamped;
} LanesSigmoid;

enum { LANES_SIGMOID_END = 88 };

LANES_INLINE LanesSigmoid lanes_sigmoid(Lanes x)
{
    const Lanes end = lanes_set((float)LANES_SIGMOID_END);
    Lanes clamped = lanes_at_most(end, lanes_at_least(-end, x));
    LanesExp e = lanes_exp_parts(-clamped);
    Lanes power = e.p * e.power, s = 1.0f / (power + 1.0f);
    return (LanesSigmoid){.s = s, .one_minus = power * s, .clamped = clamped};
}

/* x / (1 + exp(-x)). Nanoseconds per element of one Zen 5 core, AVX-512, data in L1: 0.092;
 * with a polynomial of degree 6 0.101; with the estimate rcp14 and a Newton step for the division
 * 0.117; with the Pade quotient of exp 0.095; with exp to 1 ulp in two halves of 2^n, |x| and
 * selections 0.313. */
LANES_INLINE Lanes lanes_silu(Lanes x)
{
    const Lanes end = lanes_set((float)LANES_SIGMOID_END);
    Lanes above = lanes_at_least(-end, x); /* for large x the quotient is x itself */
    LanesExp e = lanes_exp_parts(-lanes_at_most(end, above));
    return above / lanes_fma(e.p, e.power, lanes_set(1));
}

/* d1 = s (1 + x (1-s)) */
LANES_INLINE Lanes lanes_silu_slope(Lanes x)
{
    LanesSigmoid g = lanes_sigmoid(x);
    return g.s * lanes_fma(g.clamped, g.one_minus, lanes_set(1));
}

/* d1 and d2 = s (1-s) (2 + x (1-2s)) */
LANES_INLINE void lanes_silu_slopes(Lanes x, Lanes *d1, Lanes *d2)
{
    LanesSigmoid g = lanes_sigmoid(x);
    *d1 = g.s * lanes_fma(g.clamped, g.one_minus, lanes_set(1));
    *d2 = g.s * g.one_minus * lanes_fma(g.clamped, g.one_minus - g.s, lanes_set(2));
}

#endif
