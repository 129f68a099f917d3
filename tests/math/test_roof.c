/* The least time of a work by the machine's roof. */
#include <math.h>

#include "math/roof.h"
#include "test.h"

TEST(the_slower_of_arithmetic_and_memory_bounds)
{
    const Roof r = {.flops = 100, .bytes = {40, 20, 10}, .size = {1000, 8000}};
    RoofPlace place;
    EXPECT_NEAR(roof_seconds(&r, 500, 80, 500, &place), 5, 1e-12); /* 80 / 40 = 2 */
    EXPECT_INT(place, ROOF_PLACES);
    EXPECT_NEAR(roof_seconds(&r, 100, 80, 500, &place), 2, 1e-12);
    EXPECT_INT(place, ROOF_L2);
    EXPECT_NEAR(roof_seconds(&r, 100, 80, 8000, &place), 4, 1e-12);
    EXPECT_INT(place, ROOF_L3);
    EXPECT_NEAR(roof_seconds(&r, 100, 80, 8001, &place), 8, 1e-12);
    EXPECT_INT(place, ROOF_MEMORY);
    EXPECT_TEXT(roof_place_name(place), "memory");
}

static size_t all_bytes(int threads, size_t count)
{
    return 2 * sizeof(float) * count * (size_t)threads;
}

TEST(no_place_is_walked_further_than_memory_nor_256_mib)
{
    static const double caches[][2] = {
        {2 << 20, 6 << 20}, {512 << 10, 32 << 20}, {1 << 20, 1152u << 20}, {4 << 10, 8 << 10}};
    static const int threads[] = {1, 2, 3, 32, 256};
    for (size_t i = 0; i < sizeof caches / sizeof *caches; i++)
        for (size_t k = 0; k < sizeof threads / sizeof *threads; k++) {
            const Roof r = {.size = {caches[i][0], caches[i][1]}};
            size_t count[ROOF_PLACES];
            roof_stretches(&r, threads[k], count);
            for (int place = 0; place < ROOF_PLACES; place++) {
                EXPECT(count[place] > 0 && count[place] <= count[ROOF_MEMORY]);
                EXPECT(all_bytes(threads[k], count[place]) <= (size_t)256 << 20);
            }
        }
}

TEST(half_a_cache_is_walked_and_four_times_the_caches)
{
    const Roof r = {.size = {1 << 20, 16 << 20}};
    size_t count[ROOF_PLACES];
    roof_stretches(&r, 2, count);
    EXPECT_INT(all_bytes(2, count[ROOF_L2]), 1 << 20);
    EXPECT_INT(all_bytes(2, count[ROOF_L3]), 8 << 20);
    EXPECT_INT(all_bytes(2, count[ROOF_MEMORY]), 64 << 20);
    roof_stretches(&r, 32, count);
    EXPECT_INT(all_bytes(32, count[ROOF_MEMORY]), 128 << 20);
}

TEST(the_roof_is_measured)
{
    Roof r;
    Err err;
    EXPECT(roof_measure(&r, &err));
    EXPECT(isfinite(r.flops) && r.flops > 1e6);
    for (int i = 0; i < ROOF_PLACES; i++) EXPECT(isfinite(r.bytes[i]) && r.bytes[i] > 1e5);
    EXPECT(r.size[ROOF_L2] > 0 && r.size[ROOF_L3] > 0);
}
