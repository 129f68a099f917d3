/* Runs of samplers on every process, with grids that a test may build by hand. */
#ifndef DIFFC_TESTS_SOLVER_CASE_H
#define DIFFC_TESTS_SOLVER_CASE_H

#include "exact_denoiser.h"
#include "processes.h"
#include "sampler_case.h"

/* The grid that a sampler takes for a number of calls, 0: its own. */
static inline void case_grid(Case *c, const char *sampler, int calls)
{
    Err err = {0};
    level_grid_free(&c->grid);
    must(sampler_grid(sampler_find(sampler), &c->run, SPACING_AUTO, calls, &c->grid, &err), &err);
}

static inline void case_spaced(Case *c, SpacingKind spacing, int levels)
{
    Err err = {0};
    level_grid_free(&c->grid);
    must(level_grid_make(&c->grid, &c->process, spacing, levels, &err), &err);
}

static inline bool sample(const char *name, Case *c, Denoiser denoiser, NoiseSource noise,
                          int count, double *x, Err *err)
{
    double *scratch = malloc(SAMPLER_SCRATCH * (size_t)count * denoiser.dims * sizeof(double));
    bool ok = sampler_run(sampler_find(name), &c->run, &denoiser, &noise, count, x, scratch, err);
    free(scratch);
    return ok;
}

/* Draw 0 is the context's values; later draws are an error. */
static inline void start_only(void *context, int image, uint64_t draw, size_t dims, double *z)
{
    const double *start = context;
    EXPECT(draw == 0);
    for (size_t i = 0; i < dims; i++) z[i] = start[(size_t)image * dims + i];
}
static inline NoiseSource from_start(double *start)
{
    return (NoiseSource){.context = start, .normals = start_only};
}

/* A network of one value and one label, of any kind of prediction. */
typedef struct {
    Prediction kind;
    double (*net)(double x, double t);
} StandIn;

static inline bool stand_in_predict(void *context, int count, const double *x,
                                    const NoiseLevel *levels, int stride, double *eps, Err *err)
{
    (void)err;
    const StandIn *s = context;
    for (int i = 0; i < count; i++) {
        NoiseLevel level = levels[i * stride];
        eps[i] = eps_from_prediction(s->kind, level, x[i], s->net(x[i], level.t));
    }
    return true;
}
static inline Denoiser stand_in(StandIn *s)
{
    return (Denoiser){.context = s, .dims = 1, .predict = stand_in_predict};
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

/* Mean and variance of the first coordinate of two_modes, and of all coordinates of `count`
 * samples, within 5 standard errors; the means of a symmetric pair of modes alone would not tell a
 * wrong weight. */
static inline void expect_two_modes(const double *x, int count)
{
    double mean = 0.8 * -0.6 + 0.2 * 0.6;
    double variance = 0.8 * (0.01 + 0.36) + 0.2 * (0.0225 + 0.36) - mean * mean;
    double sum = 0, square = 0;
    int heavier = 0;
    for (int i = 0; i < count; i++) {
        sum += x[2 * i] / count;
        square += x[2 * i] * x[2 * i] / count;
        heavier += x[2 * i] + x[2 * i + 1] < 0;
    }
    EXPECT_NEAR(sum, mean, 5 * sqrt(variance / count));
    EXPECT_NEAR(square - sum * sum, variance, 5 * variance * sqrt(2.0 / count));
    EXPECT_NEAR((double)heavier / count, 0.8, 5 * sqrt(0.8 * 0.2 / count));
}

/* eps = x / 2, except that the last row is `value` once the label has come down to at_t. */
typedef struct {
    double at_t, value;
} Broken;
static inline bool broken_predict(void *context, int count, const double *x,
                                  const NoiseLevel *levels, int stride, double *eps, Err *err)
{
    (void)err;
    const Broken *b = context;
    for (int i = 0; i < count; i++) eps[i] = 0.5 * x[i];
    if (levels[(count - 1) * stride].t <= b->at_t) eps[count - 1] = b->value;
    return true;
}

static const NoiseConfig edm = {
    .kind = PROCESS_VE, .sigma_min = 0.002, .sigma_max = 80, .time_min = 1e-9};

/* Replaces the grid by levels of noise s and of labels t, alpha = 1 / sqrt(1 + s^2) or 1, whose end
 * is s[n]. */
static inline void hand_grid(Case *c, int n, const double *s, const double *t, bool preserving)
{
    level_grid_free(&c->grid);
    must(level_grid_make(&c->grid, &c->process, SPACING_UNIFORM, n, NULL), &(Err){0});
    for (int i = 0; i <= n; i++) {
        double alpha = preserving ? 1 / sqrt(1 + s[i] * s[i]) : 1;
        c->grid.level[i] = (NoiseLevel){alpha, alpha * s[i], t ? t[i] : s[i], n - i};
    }
}

/* Karras et al. 2022, eq. 5, and 0. */
static inline void karras(double largest, double smallest, int n, double *s)
{
    double from = pow(largest, 1.0 / 7), to = pow(smallest, 1.0 / 7);
    for (int i = 0; i < n; i++) s[i] = pow(from + (to - from) * i / (n - 1), 7);
    s[n] = 0;
}

#endif
