/* The noise that samplers draw. */
#ifndef DIFFC_NOISE_SOURCE_H
#define DIFFC_NOISE_SOURCE_H

#include <stddef.h>
#include <stdint.h>

/* Where noise comes from: z[dims] for image `image` (0 .. count-1) and draw `draw` (0 is the start
 * noise, then one per noisy step). The usual source is counter-based with seed = first_seed + image:
 * rng_normals(z, dims, seed, rng_stream(RNG_SAMPLE, draw), 0). ddpm, ddim and heun use draw i+1 at
 * position i of the grid, whichever of them they need; the others number their draws in order of
 * use, from 1.
 * normals is called from several threads at once, for different images. */
typedef struct {
    void *context;
    void (*normals)(void *context, int image, uint64_t draw, size_t dims, double *z);
} NoiseSource;
typedef struct {
    uint64_t first_seed;
} SeedNoise;
NoiseSource seed_noise(SeedNoise *seeds);

/* `count` images on the way from one seed to another: every draw of image first + k is that of the two seeds,
 * interpolated on the sphere (Shoemake 1985) at s = (first + k) / (count - 1),
 *   z = (sin((1 - s) w) a + sin(s w) b) / sin w,   cos w = a b / (|a| |b|)
 * which keeps its length, as a straight line would not. The first and the last are the images of the seeds. */
typedef struct {
    uint64_t from, to;
    int count, first;
} SeedPath;
NoiseSource path_noise(SeedPath *path);

#endif
