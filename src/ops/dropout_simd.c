/* Dropout at one instruction set: Philox4x32-10 (rng.h) with a block in each lane. 16 blocks make the
 * words of 64 elements, so that words are stored as they lie, whatever the number of lanes; about 2.5
 * operations on whole vectors for each vector of elements and round. */
#include "base/rng.h"
#include "math/vec_simd.h"
#include "ops/dropout_table.h"

enum { BLOCKS = DROPOUT_GROUP / 4 };
_Static_assert(BLOCKS % LANES == 0, "whole vectors of blocks");

typedef uint64_t LanesWide __attribute__((vector_size(LANES * 4))); /* half as many */

/* Both halves of c m in every lane: the products of even and of odd lanes, put together again. */
LANES_INLINE void multiply(LanesBits c, uint32_t m, LanesBits *high, LanesBits *low)
{
    const LanesWide half = (LanesWide){0} + UINT32_MAX, by = (LanesWide){0} + m;
    LanesWide a = ((LanesWide)c & half) * by, b = ((LanesWide)c >> 32) * by;
    *high = (LanesBits)((a >> 32) | (b & ~half));
    *low = (LanesBits)((a & half) | (b << 32));
}

/* The words of blocks first .. first+LANES-1. */
LANES_INLINE void draw(const DropoutDims *d, uint64_t first, LanesBits c[4])
{
    uint32_t k0 = (uint32_t)d->seed, k1 = (uint32_t)(d->seed >> 32);
    c[0] = (LanesBits){0} + (uint32_t)first;
    for (uint32_t l = 0; l < LANES; l++) c[0][l] += l; /* first is a multiple of LANES: no carry */
    c[1] = (LanesBits){0} + (uint32_t)(first >> 32);
    c[2] = (LanesBits){0} + (uint32_t)d->stream;
    c[3] = (LanesBits){0} + (uint32_t)(d->stream >> 32);
    for (int round = 0; round < PHILOX_ROUNDS; round++) {
        LanesBits high0, low0, high1, low1;
        multiply(c[0], PHILOX_MULTIPLY_0, &high0, &low0);
        multiply(c[2], PHILOX_MULTIPLY_1, &high1, &low1);
        c[0] = high1 ^ c[1] ^ k0;
        c[1] = low1;
        c[2] = high0 ^ c[3] ^ k1;
        c[3] = low0;
        k0 += PHILOX_WEYL_0;
        k1 += PHILOX_WEYL_1;
    }
}

/* factor = keep / (1-p). An element is dropped when its word w has w / 2^32 < p. */
LANES_INLINE void group_factors(const DropoutDims *d, float *factor, uint64_t group)
{
    const uint32_t threshold = (uint32_t)((double)d->p * 0x1p32);
    const Lanes kept = lanes_set((float)(1.0 / (1.0 - (double)d->p)));
    for (int b = 0; b < BLOCKS; b += LANES) {
        LanesBits c[4];
        draw(d, group * BLOCKS + (uint64_t)b, c);
        for (int w = 0; w < 4; w++) {
            LanesBits keep = (LanesBits)(c[w] >= threshold);
            lanes_store(factor + w * BLOCKS + b, (Lanes)((LanesBits)kept & keep), LANES);
        }
    }
}

LANES_INLINE void apply_factors(float *out, const float *x, const float *factor, size_t n, bool add)
{
    LANES_EACH(n, {
        Lanes v = lanes_load(x + i, k), f = lanes_load(factor + i, k);
        lanes_store(out + i, add ? lanes_fma(v, f, lanes_load(out + i, k)) : v * f, k);
    });
}

static void apply(const DropoutDims *d, float *out, const float *x, bool add, size_t first,
                  size_t n)
{
    for (size_t done = 0; done < n; done += DROPOUT_GROUP) {
        _Alignas(64) float factor[DROPOUT_GROUP];
        group_factors(d, factor, (first + done) / DROPOUT_GROUP);
        size_t left = n - done < DROPOUT_GROUP ? n - done : DROPOUT_GROUP;
        if (add)
            apply_factors(out + done, x + done, factor, left, true);
        else
            apply_factors(out + done, x + done, factor, left, false);
    }
}

const DropoutTable SIMD_TABLE_HERE(dropout_table) = {.apply = apply};
