#include "math/vec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "math/product_blas.h"

static const char *const level_names[SIMD_LEVELS] = {"plain", "avx2", "avx512", "blas"};
static SimdLevel level = SIMD_PLAIN, vectors = SIMD_PLAIN;
const VecTable *vec = &vec_table_plain;

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
    vec = &SIMD_TABLE(vec_table);
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
        if (has) text_add(known, sizeof known, ", ", level_names[i]);
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
