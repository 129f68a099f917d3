/* Samplers: one table, each entry one function on the denoiser interface. State is double. */
#ifndef DIFFC_SAMPLER_H
#define DIFFC_SAMPLER_H

#include <stdbool.h>
#include <stdint.h>

#include "diffc/denoiser.h"
#include "diffc/schedule.h"

/* Where noise comes from: z[dims] for image `image` (0 .. count-1) and draw `draw` (0 is the start
 * noise, then one per noisy step). The usual source is counter-based with seed = first_seed + image:
 * rng_normals(z, dims, seed, rng_stream(RNG_SAMPLE, draw), 0). */
typedef struct {
    void *context;
    void (*normals)(void *context, int image, uint64_t draw, size_t dims, double *z);
} NoiseSource;
typedef struct {
    uint64_t first_seed;
} SeedNoise;
NoiseSource seed_noise(SeedNoise *seeds);

typedef struct {
    const Schedule *schedule;
    const StepGrid *grid;
    VarianceKind variance; /* ddpm */
    double eta;            /* ddim, >= 0 */
    bool clip;             /* clamp x0 to +-clip_range at every step */
    double clip_range;
    bool keep_eps; /* ddim: keep eps after clipping x0, as diffusers does; default re-derives it */
    /* Called after each network call with calls done; false stops with ERR_INTERRUPTED. May be
     * NULL. */
    bool (*progress)(void *context, long calls);
    void *progress_context;
    long network_calls; /* out: calls of predict, counted once per batch */
} SampleRun;

typedef struct {
    const char *name;    /* as on the command line */
    const char *summary; /* one line for the help and the README */
    /* x [count, dims] out; scratch [3 * count * dims]. Start noise is drawn here. */
    bool (*run)(SampleRun *run, const Denoiser *denoiser, const NoiseSource *noise, int count,
                double *x, double *scratch, Err *err);
} Sampler;

/* The table, ended by an entry whose name is NULL; NULL from sampler_find for an unknown name. */
extern const Sampler samplers[];
const Sampler *sampler_find(const char *name);
enum { SAMPLER_SCRATCH = 3 };

/* Coefficients of one step t -> p of the ancestral sampler (p = next entry, -1 at the end):
 *   mean = c_x0 x0 + c_x x;  the two variances. */
typedef struct {
    double c_x0, c_x, variance_small, variance_large;
} PosteriorStep;
PosteriorStep posterior_step(const Schedule *s, int t, int p);

#endif
