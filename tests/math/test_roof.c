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

TEST(the_roof_is_measured)
{
    Roof r;
    Err err;
    EXPECT(roof_measure(&r, &err));
    EXPECT(isfinite(r.flops) && r.flops > 1e6);
    for (int i = 0; i < ROOF_PLACES; i++) EXPECT(isfinite(r.bytes[i]) && r.bytes[i] > 1e5);
    EXPECT(r.size[ROOF_L2] > 0 && r.size[ROOF_L3] > 0);
}
