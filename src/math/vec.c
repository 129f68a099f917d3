#include "math/vec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "math/product_blas.h"
#include "math/vec_table.h"

static const char *const level_names[SIMD_LEVELS] = {"plain", "avx2", "avx512", "blas"};
static SimdLevel level = SIMD_PLAIN, vectors = SIMD_PLAIN;
static const VecTable *table = &vec_table_plain;

SimdLevel vec_cpu_level(void)
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

SimdLevel vec_best_level(void)
{
    SimdLevel has = vec_cpu_level();
    return has == SIMD_PLAIN && product_blas_is_built() ? SIMD_BLAS : has;
}

static bool has_level(SimdLevel wanted)
{
    return wanted == SIMD_BLAS ? product_blas_is_built() : wanted <= vec_cpu_level();
}

static bool set_level(SimdLevel wanted, Err *err)
{
    if (wanted == SIMD_BLAS && !product_blas_start(err)) return false;
    level = wanted;
    vectors = wanted == SIMD_BLAS ? vec_cpu_level() : wanted;
    table = &SIMD_TABLE(vec_table);
    return true;
}

bool vec_set_level(SimdLevel wanted)
{
    return has_level(wanted) && set_level(wanted, NULL);
}

bool vec_init(Err *err)
{
    const char *wanted = getenv("DIFFC_CPU");
    if (!wanted || !*wanted) return set_level(vec_best_level(), err);
    const char *why = "diffc does not know this level";
    char known[64] = "";
    for (int i = 0; i < SIMD_LEVELS; i++) {
        bool has = has_level((SimdLevel)i), is_wanted = strcmp(wanted, level_names[i]) == 0;
        if (is_wanted && has) return set_level((SimdLevel)i, err);
        if (is_wanted)
            why = i == SIMD_BLAS ? "this diffc was built without a BLAS" : "this CPU lacks it";
        size_t used = strlen(known);
        if (has)
            snprintf(known + used, sizeof known - used, "%s%s", used ? ", " : "", level_names[i]);
    }
    return err_set(err, ERR_USAGE, "DIFFC_CPU is '%s': %s; here it can be %s", wanted, why, known);
}

/* Runs before main, so that no caller has to begin with it. If that fails, the plain level is used until
 * vec_init reports it. */
__attribute__((constructor)) static void choose_level(void)
{
    vec_init(NULL);
}

SimdLevel vec_simd_level(void)
{
    return vectors;
}

SimdLevel vec_chosen_level(void)
{
    return level;
}

bool vec_uses_blas(void)
{
    return level == SIMD_BLAS;
}

const char *vec_level(void)
{
    return level_names[level];
}

const char *vec_describe(void)
{
    static char text[200];
    if (!vec_uses_blas()) return vec_level();
    snprintf(text, sizeof text, "%s (%s)", vec_level(), product_blas_name());
    return text;
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
