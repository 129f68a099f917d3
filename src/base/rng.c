#include "base/rng.h"

#include <math.h>
#include <stdbool.h>

static void philox_round(uint32_t c[4], uint32_t k0, uint32_t k1)
{
    uint64_t p0 = (uint64_t)PHILOX_MULTIPLY_0 * c[0];
    uint64_t p1 = (uint64_t)PHILOX_MULTIPLY_1 * c[2];
    uint32_t n0 = (uint32_t)(p1 >> 32) ^ c[1] ^ k0;
    uint32_t n2 = (uint32_t)(p0 >> 32) ^ c[3] ^ k1;
    c[0] = n0;
    c[1] = (uint32_t)p1;
    c[2] = n2;
    c[3] = (uint32_t)p0;
}

uint64_t rng_stream(RngPurpose purpose, uint64_t number)
{
    return (uint64_t)purpose << 56 | (number & 0x00FFFFFFFFFFFFFFu);
}

void rng_block(uint64_t seed, uint64_t stream, uint64_t index, uint32_t out[4])
{
    uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
    out[0] = (uint32_t)index;
    out[1] = (uint32_t)(index >> 32);
    out[2] = (uint32_t)stream;
    out[3] = (uint32_t)(stream >> 32);
    for (int round = 0; round < PHILOX_ROUNDS; round++) {
        philox_round(out, k0, k1);
        k0 += PHILOX_WEYL_0;
        k1 += PHILOX_WEYL_1;
    }
}

static double unit(uint32_t word)
{
    return ((double)word + 0.5) * 0x1p-32;
}

double rng_uniform(uint64_t seed, uint64_t stream, uint64_t index)
{
    uint32_t w[4];
    rng_block(seed, stream, index, w);
    return unit(w[0]);
}

uint32_t rng_below(uint64_t seed, uint64_t stream, uint64_t index, uint32_t bound)
{
    uint32_t w[4];
    rng_block(seed, stream, index, w);
    uint64_t low = ((uint64_t)w[0] * bound) >> 32;
    return (uint32_t)(((uint64_t)w[1] * bound + low) >> 32);
}

uint32_t rng_spread(uint64_t seed, uint64_t stream, size_t i, size_t count, size_t n)
{
    size_t first = i * n / count, end = (i + 1) * n / count;
    return (uint32_t)first + rng_below(seed, stream, i, (uint32_t)(end - first));
}

/* Normals 4 block .. 4 block + 3 of the stream. */
static void normals_of_block(double z[4], uint64_t seed, uint64_t stream, uint64_t block)
{
    uint32_t w[4];
    rng_block(seed, stream, block, w);
    for (int pair = 0; pair < 2; pair++) {
        double radius = sqrt(-2.0 * log(unit(w[2 * pair])));
        double angle = 6.283185307179586476925 * unit(w[2 * pair + 1]);
        z[2 * pair] = radius * cos(angle);
        z[2 * pair + 1] = radius * sin(angle);
    }
}

void rng_normals(double *y, size_t n, uint64_t seed, uint64_t stream, uint64_t first)
{
    uint64_t block = first / 4;
    for (size_t done = 0, skip = (size_t)(first % 4); done < n; skip = 0, block++) {
        double z[4];
        bool whole = skip == 0 && n - done >= 4;
        normals_of_block(whole ? y + done : z, seed, stream, block);
        if (whole) {
            done += 4;
            continue;
        }
        for (; skip < 4 && done < n; skip++) y[done++] = z[skip];
    }
}

void rng_normals_float(float *y, size_t n, uint64_t seed, uint64_t stream, uint64_t first)
{
    double z[256];
    for (size_t done = 0; done < n;) {
        size_t part = n - done < 256 ? n - done : 256;
        rng_normals(z, part, seed, stream, first + done);
        for (size_t i = 0; i < part; i++) y[done + i] = (float)z[i];
        done += part;
    }
}
