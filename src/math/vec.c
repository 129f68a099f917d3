#include "math/vec.h"

#include <stdlib.h>
#include <string.h>

#include "math/vec_table.h"

static const char *const level_names[] = {"plain", "avx2", "avx512"};
static SimdLevel level = SIMD_PLAIN;
static const VecTable *table = &vec_table_plain;

SimdLevel vec_best_level(void)
{
#ifdef SIMD_X86
    __builtin_cpu_init();
    bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw"))
        return SIMD_AVX512;
    if (avx2) return SIMD_AVX2;
#endif
    return SIMD_PLAIN;
}

bool vec_set_level(SimdLevel wanted)
{
    if (wanted > vec_best_level()) return false;
    level = wanted;
    table = &SIMD_TABLE(vec_table);
    return true;
}

bool vec_init(const char **bad)
{
    const char *wanted = getenv("DIFFC_CPU");
    if (!wanted || !*wanted) return vec_set_level(vec_best_level());
    for (int i = SIMD_PLAIN; i <= SIMD_AVX512; i++)
        if (strcmp(wanted, level_names[i]) == 0 && vec_set_level((SimdLevel)i)) return true;
    *bad = wanted;
    return false;
}

/* Runs before main, so that no caller has to begin with it. If DIFFC_CPU names a level that is not
 * there, the plain one is used until vec_init reports it. */
__attribute__((constructor)) static void choose_level(void)
{
    const char *bad;
    vec_init(&bad);
}

SimdLevel vec_simd_level(void)
{
    return level;
}

const char *vec_level(void)
{
    return level_names[level];
}

const char *vec_level_name(SimdLevel of)
{
    return level_names[of];
}

void vec_add(float *y, const float *a, const float *b, size_t n)
{
    table->add(y, a, b, n);
}

void vec_accumulate(float *y, const float *x, size_t n)
{
    table->add(y, y, x, n);
}

void vec_axpy(float *y, float a, const float *x, size_t n)
{
    table->axpy(y, a, x, n);
}

void vec_scale(float *y, float a, const float *x, size_t n)
{
    table->scale(y, a, x, n);
}

double vec_dot(const float *a, const float *b, size_t n)
{
    return table->dot(a, b, n);
}

double vec_sum_squares(const float *x, size_t n)
{
    return table->dot(x, x, n);
}

void vec_column_sums(double *sum, const float *x, size_t rows, size_t stride, size_t n)
{
    table->column_sums(sum, x, rows, stride, n);
}

void vec_silu(float *y, const float *x, size_t n)
{
    table->silu(y, x, n);
}

void vec_silu_backward(float *dx, const float *dy, const float *x, size_t n)
{
    table->silu_backward(dx, dy, x, n);
}

void vec_silu_tangent(float *ydot, const float *x, const float *xdot, size_t n)
{
    table->silu_tangent(ydot, x, xdot, n);
}

void vec_silu_backward2(float *mx, const float *my, const float *ly, const float *x,
                        const float *xdot, size_t n)
{
    table->silu_backward2(mx, my, ly, x, xdot, n);
}

void vec_softmax(float *p, float scale, size_t n)
{
    table->softmax(p, scale, n);
}

void vec_adam(float *w, float *m, float *v, float *ema, const float *grad, size_t n,
              const AdamStep *step)
{
    table->adam(w, m, v, ema, grad, n, step);
}
