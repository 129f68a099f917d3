/* The bound and sampling with variances that a denoiser gives. */
#include "base/mem.h"
#include "diffusion/likelihood.h"
#include "diffusion/sampler.h"
#include "exact_denoiser.h"
#include "processes.h"
#include "sample_defaults.h"
#include "test.h"

static double pixel(int level)
{
    return pixel_value(&model_pixels, level);
}

/* The exact denoiser of a Gaussian with variances that `v_at` chooses. */
typedef struct {
    GaussianData data;
    const Process *p;
    bool optimal;
    double v;
} Chosen;

/* v of the variance that minimises the bound: small + c_x0^2 Var(x0 | x_t). */
static double optimal_v(const Chosen *c, NoiseLevel level)
{
    ChainStep s = chain_step(c->p, (int)level.time);
    double s2 = c->data.std * c->data.std, noise = level.sigma * level.sigma;
    double own = s2 * noise / (level.alpha * level.alpha * s2 + noise);
    double small = level.time > 0 ? s.q.variance_small : 0;
    double variance = small + s.q.c_x0 * s.q.c_x0 * own;
    return 2 * log(variance / s.q.variance_small) / log(s.q.variance_large / s.q.variance_small) -
           1;
}

static bool chosen_predict_variance(void *context, int count, const double *x,
                                    const NoiseLevel *levels, int stride, double *eps, double *v,
                                    Err *err)
{
    Chosen *c = context;
    Denoiser d = gaussian_denoiser(&c->data);
    for (int i = 0; i < count * (int)d.dims; i++) {
        NoiseLevel level = levels[i / (int)d.dims * stride];
        v[i] = c->optimal ? optimal_v(c, level) : c->v;
    }
    return d.predict(d.context, count, x, levels, stride, eps, err);
}

static bool chosen_predict(void *context, int count, const double *x, const NoiseLevel *levels,
                           int stride, double *eps, Err *err)
{
    Chosen *c = context;
    Denoiser d = gaussian_denoiser(&c->data);
    return d.predict(d.context, count, x, levels, stride, eps, err);
}

static Denoiser chosen_denoiser(Chosen *c)
{
    return (Denoiser){.context = c,
                      .dims = c->data.dims,
                      .predict = chosen_predict,
                      .predict_variance = chosen_predict_variance};
}

TEST(bound_with_learned_variances_is_that_of_the_variances_they_mean)
{
    enum { T = 60, DIMS = 3 };
    Process p = whole_chain_of(T);
    Chosen c = {.data = {DIMS, 0.2, 0.3}, .p = &p};
    Denoiser d = chosen_denoiser(&c);
    uint64_t seed = 5;
    ImageSeeds seeds = {&seed};
    NoiseSource noise = likelihood_noise(&seeds);
    double x0[DIMS] = {pixel(100), pixel(150), pixel(200)}, variances[T];
    Err err = {0};
    LikelihoodRun run = {.process = &p, .batch = 7, .variance = VARIANCE_LEARNED}, fixed = run;
    Likelihood learned, expected;
    for (int kind = 0; kind < 3; kind++) {
        c.optimal = kind == 2;
        c.v = kind == 0 ? -1 : 0.4;
        for (int t = 0; t < T; t++)
            variances[t] = learned_variance(chain_step(&p, t).q,
                                            c.optimal ? optimal_v(&c, process_level(&p, t)) : c.v);
        fixed.variances = variances;
        EXPECT(bound_run(&run, &d, &noise, 1, x0, &learned, NULL, &err));
        EXPECT(bound_run(&fixed, &d, &noise, 1, x0, &expected, NULL, &err));
        EXPECT_NEAR(learned.nats, expected.nats, 1e-9 * fabs(expected.nats));
        fixed.variances = NULL;
        fixed.variance = VARIANCE_SMALL;
        EXPECT(bound_run(&fixed, &d, &noise, 1, x0, &expected, NULL, &err));
        if (kind == 0) EXPECT_NEAR(learned.nats, expected.nats, 1e-9 * fabs(expected.nats));
        if (kind == 1) EXPECT(fabs(learned.nats - expected.nats) > 1e-3);
    }
}

static void sample(VarianceKind kind, double v, double *x)
{
    enum { DIMS = 3, STEPS = 10 };
    Process p = whole_chain_of(50);
    Chosen c = {.data = {DIMS, 0.2, 0.3}, .p = &p, .v = v};
    Denoiser d = chosen_denoiser(&c);
    LevelGrid grid;
    SampleRun run;
    Err err = {0};
    double scratch[SAMPLER_SCRATCH * DIMS];
    sample_run_defaults(&run);
    run.process = &p;
    run.grid = &grid;
    run.config.variance = kind;
    SeedNoise seeds = {4};
    NoiseSource noise = seed_noise(&seeds);
    EXPECT(level_grid_make(&grid, &p, SPACING_EVEN, STEPS, &err));
    EXPECT(sampler_run(sampler_find("ddpm"), &run, &d, &noise, 1, x, scratch, &err));
    level_grid_free(&grid);
}

TEST(sampling_with_learned_variances_reaches_from_the_small_to_the_large_ones)
{
    double learned[3], fixed[3];
    sample(VARIANCE_LEARNED, -1, learned);
    sample(VARIANCE_SMALL, 0, fixed);
    for (int i = 0; i < 3; i++) EXPECT_NEAR(learned[i], fixed[i], 1e-12);
    sample(VARIANCE_LEARNED, 1, learned);
    EXPECT(fabs(learned[0] - fixed[0]) > 1e-3);
    sample(VARIANCE_LARGE, 0, fixed);
    for (int i = 0; i < 3; i++) EXPECT_NEAR(learned[i], fixed[i], 1e-12);
}

TEST(a_model_that_has_learnt_no_variance_is_not_asked_for_one)
{
    Process p = whole_chain_of(50);
    GaussianData data = {2, 0, 1};
    Denoiser d = gaussian_denoiser(&data);
    uint64_t seed = 5;
    ImageSeeds seeds = {&seed};
    NoiseSource noise = likelihood_noise(&seeds);
    double x[2] = {0}, scratch[2 * SAMPLER_SCRATCH];
    Err err = {0};
    Likelihood result;
    LikelihoodRun bound = {.process = &p, .variance = VARIANCE_LEARNED};
    EXPECT_REFUSED(bound_run(&bound, &d, &noise, 1, x, &result, NULL, &err), err, ERR_USAGE,
                   "this model has learnt none");
    LevelGrid grid;
    SampleRun run;
    sample_run_defaults(&run);
    run.process = &p;
    run.grid = &grid;
    run.config.variance = VARIANCE_LEARNED;
    EXPECT(level_grid_make(&grid, &p, SPACING_EVEN, 5, &err));
    EXPECT_FAILS(sampler_run(sampler_find("ddpm"), &run, &d, &noise, 1, x, scratch, &err), err,
                 "this model has learnt none");
    level_grid_free(&grid);
}
