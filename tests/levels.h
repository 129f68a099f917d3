/* The instruction sets of this machine, for tests that compare them. */
#ifndef DIFFC_TESTS_LEVELS_H
#define DIFFC_TESTS_LEVELS_H

#include "math/vec.h"
#include "test.h"

/* Runs the body once per level that this machine has; best_level then puts the best one back. */
#define FOR_LEVELS(level)                                                                          \
    for (int level = SIMD_PLAIN; level <= SIMD_AVX512; level++)                                    \
        if (vec_set_level((SimdLevel)level))

static inline void best_level(void)
{
    const char *bad;
    EXPECT(vec_init(&bad));
}

#endif
