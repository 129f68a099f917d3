/* Memory between two guards, at an address that is only 4-aligned. The case fails when something was
 * written beside it; that is seen when the case ends, or at check_free. */
#ifndef DIFFC_TESTS_GUARDED_H
#define DIFFC_TESTS_GUARDED_H

#include <stdint.h>

#include "test.h"

#define UNUSED __attribute__((unused))

enum { GUARD = 17 };

static uint32_t guard_word(size_t i)
{
    return 0x7fc0dead + (uint32_t)i; /* a NaN, so that reading it shows */
}

static void check_release(void *what)
{
    float *data = what;
    size_t n;
    char *block = (char *)(data - GUARD) - sizeof n;
    memcpy(&n, block, sizeof n);
    bool before = true, after = true;
    for (size_t i = 0; i < GUARD; i++) {
        uint32_t word = guard_word(i);
        before = before && memcmp(data - GUARD + i, &word, sizeof word) == 0;
        after = after && memcmp(data + n + i, &word, sizeof word) == 0;
    }
    EXPECT(before && "nothing is written before an output");
    EXPECT(after && "nothing is written behind an output");
    free(block);
}

UNUSED static float *check_alloc(size_t n) /* zeros */
{
    char *block = calloc(1, sizeof(size_t) + (n + 2 * GUARD) * sizeof(float));
    if (!block) abort();
    memcpy(block, &n, sizeof n);
    float *data = (float *)(void *)(block + sizeof n) + GUARD;
    for (size_t i = 0; i < GUARD; i++) {
        uint32_t word = guard_word(i);
        memcpy(data - GUARD + i, &word, sizeof word);
        memcpy(data + n + i, &word, sizeof word);
    }
    test_at_end(check_release, data);
    return data;
}

UNUSED static void check_free(float *data)
{
    if (data) test_end_now(data);
}

UNUSED static float *check_scratch(size_t n) /* NaN */
{
    float *data = check_alloc(n);
    for (size_t i = 0; i < n; i++) data[i] = NAN;
    return data;
}

UNUSED static float *check_random(size_t n, unsigned tag, float scale)
{
    float *data = check_alloc(n);
    test_normals(data, n, tag, scale);
    return data;
}

/* NaN, on a cache line, as the network gives scratch and packed weights; freed with free. */
UNUSED static float *check_aligned(size_t n)
{
    void *block = NULL; /* of the exact length, so that a sanitizer sees any reach beyond */
    if (posix_memalign(&block, 64, n ? n * sizeof(float) : 1) != 0) abort();
    float *data = block;
    for (size_t i = 0; i < n; i++) data[i] = NAN;
    return data;
}

UNUSED static double check_norm(const float *a, size_t n)
{
    return sqrt(test_dot(a, a, n));
}

#endif
