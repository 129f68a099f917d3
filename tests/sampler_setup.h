/* Runs of the samplers on chains of DDPM, with noise and denoisers that a test decides. */
#ifndef DIFFC_TESTS_SAMPLER_SETUP_H
#define DIFFC_TESTS_SAMPLER_SETUP_H

#include "exact_denoiser.h"
#include "sampler_case.h"

typedef Case Setup;

/* Lives until the case ends. */
static inline Setup *setup_betas(double beta_start, double beta_end, int T, SpacingKind spacing,
                                 int n)
{
    Err err = {0};
    NoiseConfig config = {.kind = PROCESS_DDPM,
                          .T = T,
                          .schedule = SCHEDULE_LINEAR,
                          .beta_start = beta_start,
                          .beta_end = beta_end};
    Setup *s = case_new(&config);
    must(level_grid_make(&s->grid, &s->process, spacing, n, &err), &err);
    return s;
}

static inline Setup *setup(int T, SpacingKind spacing, int n)
{
    return setup_betas(1e-4, 0.02, T, spacing, n);
}

static inline bool sample(const char *name, SampleRun *run, Denoiser denoiser, NoiseSource noise,
                          int count, double *x, Err *err)
{
    double *scratch = malloc(SAMPLER_SCRATCH * (size_t)count * denoiser.dims * sizeof(double));
    bool ok = sampler_run(sampler_find(name), run, &denoiser, &noise, count, x, scratch, err);
    free(scratch);
    return ok;
}

/* ---- noise that a test decides ---- */

/* Draw 0 is the given start; later draws are zero. */
static inline void fixed_normals(void *context, int image, uint64_t draw, size_t dims, double *z)
{
    const double *start = context;
    for (size_t i = 0; i < dims; i++) z[i] = draw == 0 ? start[(size_t)image * dims + i] : 0;
}

static inline NoiseSource fixed_start(double *start)
{
    return (NoiseSource){.context = start, .normals = fixed_normals};
}

/* Image k gets 1 at draw k and 0 at all others, so its result is the factor of that draw. */
static inline void impulse_normals(void *context, int image, uint64_t draw, size_t dims, double *z)
{
    (void)context;
    for (size_t i = 0; i < dims; i++) z[i] = draw == (uint64_t)image;
}

/* ---- denoisers that a test decides ---- */

typedef struct {
    Prediction kind;
    double (*net)(double x, double t);
    int dims;
} StandIn;

static inline bool stand_in_predict(void *context, int count, const double *x,
                                    const NoiseLevel *levels, int stride, double *eps, Err *err)
{
    (void)err;
    const StandIn *s = context;
    for (int i = 0; i < count * s->dims; i++) {
        NoiseLevel level = levels[i / s->dims * stride];
        eps[i] = eps_from_prediction(s->kind, level, x[i], s->net(x[i], level.t));
    }
    return true;
}

static inline Denoiser stand_in(StandIn *s)
{
    return (Denoiser){.context = s, .dims = (size_t)s->dims, .predict = stand_in_predict};
}

static inline double net_scaled_by_time(double x, double t)
{
    return x * t / (t + 1);
}

static inline double net_bent(double x, double t)
{
    (void)t;
    return 0.6 * x + 0.1 * tanh(3 * x);
}

/* Two dimensions, two modes of weights 0.8 and 0.2. */
static const double mode_weights[2] = {0.8, 0.2};
static const double mode_means[4] = {-0.6, -0.5, 0.6, 0.5};
static const double mode_stds[2] = {0.1, 0.15};
static const MixtureData two_modes = {
    .dims = 2, .modes = 2, .weights = mode_weights, .means = mode_means, .stds = mode_stds};

/* Both samplers with each of their options. */
typedef struct {
    const char *name;
    VarianceKind variance;
    double eta;
    bool clip;
} Variant;
static const Variant variants[] = {
    {"ddpm", VARIANCE_SMALL, 0, false}, {"ddpm", VARIANCE_LARGE, 0, false},
    {"ddpm", VARIANCE_SMALL, 0, true},  {"ddpm", VARIANCE_LARGE, 0, true},
    {"ddim", VARIANCE_SMALL, 0, false}, {"ddim", VARIANCE_SMALL, 0.5, false},
    {"ddim", VARIANCE_SMALL, 0, true},  {"ddim", VARIANCE_SMALL, 1, true},
};
enum { VARIANTS = sizeof variants / sizeof *variants };

static inline void apply(const Variant *v, SampleRun *run)
{
    run->config.variance = v->variance;
    run->config.eta = v->eta;
    run->config.clip = v->clip;
}

#endif
