/* The levels of this machine, for tests that compare them. */
#ifndef DIFFC_TESTS_LEVELS_H
#define DIFFC_TESTS_LEVELS_H

#include "math/vec.h"
#include "test.h"

/* Runs the body once per level that this machine has; best_level then puts the best one back. */
#define FOR_LEVELS(level)                                                                          \
    for (int level = SIMD_PLAIN; level < SIMD_LEVELS; level++)                                     \
        if (vec_set_level((SimdLevel)level))

/* The same but for a BLAS, whose bits follow the shape of a product. */
#define FOR_OWN_LEVELS(level)                                                                      \
    FOR_LEVELS(level)                                                                              \
    if (!vec_uses_blas())

/* Two ways to one result that differ in the shapes of their products. */
static inline void expect_same_floats(const float *y, const float *expected, size_t n)
{
    if (vec_uses_blas())
        EXPECT_CLOSE(y, expected, n, 1e-5);
    else
        EXPECT_SAME(y, expected, n * sizeof *y);
}

static inline void best_level(void)
{
    EXPECT(vec_init(NULL));
}

#endif
