#include "diffusion/noise_source.h"

#include <math.h>

#include "base/err.h"
#include "base/rng.h"

static void seed_normals(void *context, int image, uint64_t draw, size_t dims, double *z)
{
    const SeedNoise *seeds = context;
    rng_normals(z, dims, seeds->first_seed + (uint64_t)image, rng_stream(RNG_SAMPLE, draw), 0);
}

NoiseSource seed_noise(SeedNoise *seeds)
{
    return (NoiseSource){.context = seeds, .normals = seed_normals};
}

enum { BLOCK = 256 };

static size_t next_block(size_t at, size_t dims)
{
    return dims - at < BLOCK ? dims - at : BLOCK;
}

/* z is a; b is drawn twice, block by block, so that nothing is allocated. */
static void path_normals(void *context, int image, uint64_t draw, size_t dims, double *z)
{
    const SeedPath *p = context;
    CHECK(p->count >= 2);
    const double straight = 1e-6; /* between (nearly) parallel draws */
    double s = (double)(p->first + image) / (p->count - 1), b[BLOCK], ab = 0, aa = 0, bb = 0;
    uint64_t stream = rng_stream(RNG_SAMPLE, draw);
    rng_normals(z, dims, p->from, stream, 0);
    for (size_t at = 0; at < dims; at += BLOCK) {
        size_t n = next_block(at, dims);
        rng_normals(b, n, p->to, stream, at);
        for (size_t i = 0; i < n; i++) {
            ab += z[at + i] * b[i];
            aa += z[at + i] * z[at + i];
            bb += b[i] * b[i];
        }
    }
    double angle = acos(fmax(-1, fmin(1, ab / sqrt(aa * bb)))), sine = sin(angle);
    double along_a = sine > straight ? sin((1 - s) * angle) / sine : 1 - s;
    double along_b = sine > straight ? sin(s * angle) / sine : s;
    for (size_t at = 0; at < dims; at += BLOCK) {
        size_t n = next_block(at, dims);
        rng_normals(b, n, p->to, stream, at);
        for (size_t i = 0; i < n; i++) z[at + i] = along_a * z[at + i] + along_b * b[i];
    }
}

NoiseSource path_noise(SeedPath *path)
{
    return (NoiseSource){.context = path, .normals = path_normals};
}
