/* Samplers: one table, each entry one function on the denoiser interface. State is double. */
#ifndef DIFFC_SAMPLER_H
#define DIFFC_SAMPLER_H

#include <stdbool.h>
#include <stdint.h>

#include "diffc/denoiser.h"
#include "diffc/schedule.h"

/* Where noise comes from: z[dims] for image `image` (0 .. count-1) and draw `draw` (0 is the start
 * noise, then one per noisy step). The usual source is counter-based with seed = first_seed + image:
 * rng_normals(z, dims, seed, rng_stream(RNG_SAMPLE, draw), 0). The numbering of draws does not
 * depend on which of them a sampler needs: ddpm and ddim use draw i+1 at position i of the grid.
 * normals is called from several threads at once, for different images. */
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
    double eta;            /* ddim, 0 (deterministic) .. 1 (the noise of ddpm, small) */
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
    /* x [count, dims] out; scratch [SAMPLER_SCRATCH * count * dims]. Start noise is drawn here.
     * ERR_USAGE for options out of range, ERR_DIVERGED (naming sampler, step and timestep) for a
     * prediction or state that is not finite, ERR_INTERRUPTED, or what predict reports. The bits of
     * an image depend neither on count nor on the number of threads. */
    bool (*run)(SampleRun *run, const Denoiser *denoiser, const NoiseSource *noise, int count,
                double *x, double *scratch, Err *err);
} Sampler;

/* The table, ended by an entry whose name is NULL; NULL from sampler_find for an unknown name. */
extern const Sampler samplers[];
const Sampler *sampler_find(const char *name);
enum { SAMPLER_SCRATCH = 3 };

/* Coefficients of one step t -> p of the ancestral sampler, q(x_p | x_t, x0) (Ho et al. 2020, eq. 6
 * and 7, respaced as in Nichol & Dhariwal 2021: beta = 1 - alpha_bar_t / alpha_bar_p). p is the next
 * entry of the grid, -1 at the end, where the step returns x0: c_x0 = 1, c_x = variance_small = 0.
 *   mean = c_x0 x0 + c_x x;  c_x0 = beta sqrt(alpha_bar_p) / (1 - alpha_bar_t),
 *                            c_x = (1 - alpha_bar_p) sqrt(1 - beta) / (1 - alpha_bar_t)
 *   variance_small = beta (1 - alpha_bar_p) / (1 - alpha_bar_t);  variance_large = beta */
typedef struct {
    double c_x0, c_x, variance_small, variance_large;
} PosteriorStep;
PosteriorStep posterior_step(const Schedule *s, int t, int p);

#endif
