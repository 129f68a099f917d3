/* The machine's peak of multiply-adds, measured beside what is judged by it. */
#ifndef DIFFC_BENCH_PEAK_H
#define DIFFC_BENCH_PEAK_H

#include "base/clock.h"
#include "math/vec.h"

/* One thread's floating-point operations by dependent multiply-adds in twelve registers; 0 where
 * this program does not know the instruction. */
#if defined(__x86_64__)
#define CHAINS(name, isa, bytes, constraint)                                                       \
    __attribute__((target(isa))) static double name(long rounds)                                   \
    {                                                                                              \
        typedef float Vector __attribute__((vector_size(bytes)));                                  \
        Vector r[12] = {0}, a = (Vector){0} + 0.999f;                                              \
        for (long k = 0; k < rounds; k++)                                                          \
            for (int i = 0; i < 12; i++)                                                           \
                __asm__ volatile("vfmadd213ps %1, %1, %0" : "+" constraint(r[i]) : constraint(a)); \
        return (double)rounds * 12 * 2 * bytes / 4;                                                \
    }
CHAINS(chains_avx512, "avx512f", 64, "v")
CHAINS(chains_avx2, "avx2,fma", 32, "x")
static double chains(long rounds)
{
    if (vec_simd_level() == SIMD_AVX512) return chains_avx512(rounds);
    return vec_simd_level() == SIMD_AVX2 ? chains_avx2(rounds) : 0;
}
#else
static double chains(long rounds)
{
    (void)rounds;
    return 0;
}
#endif

/* FLOP/s of all threads at once. */
static double peak_once(void)
{
    double work = 0, begin = clock_seconds();
#pragma omp parallel reduction(+ : work)
    work += chains(200000);
    return work / (clock_seconds() - begin);
}

#endif
