/* The peak of multiply-adds at one instruction set. */
#include "math/roof_table.h"
#include "math/vec_simd.h"

static float multiply_adds(long rounds)
{
    Lanes sum[ROOF_CHAINS], factor = lanes_set(0.999f);
    float out[LANES], total = 0;
    LANES_UNROLL
    for (int i = 0; i < ROOF_CHAINS; i++) sum[i] = lanes_set((float)i);
    for (long k = 0; k < rounds; k++) {
        LANES_UNROLL
        for (int i = 0; i < ROOF_CHAINS; i++) sum[i] = lanes_fma(sum[i], factor, factor);
    }
    for (int i = 0; i < ROOF_CHAINS; i++) {
        lanes_store(out, sum[i], LANES);
        total += out[0];
    }
    return total;
}

#define TABLE_OF(level) roof_table_##level
#define TABLE(level)    TABLE_OF(level)
const RoofTable TABLE(SIMD_LEVEL) = {multiply_adds, LANES};
