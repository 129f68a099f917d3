/* What stops a sampler, and what it refuses. */
#include "sampler_setup.h"

/* ---- failures ---- */

typedef struct {
    double at_t; /* the timestep at which eps is not finite */
    double value;
} Broken;

static bool broken_predict(void *context, int count, const double *x, const NoiseLevel *levels,
                           int stride, double *eps, Err *err)
{
    (void)err;
    const Broken *b = context;
    for (int i = 0; i < count; i++) eps[i] = 0.5 * x[i];
    if (levels[(count - 1) * stride].t == b->at_t) eps[count - 1] = b->value;
    return true;
}

TEST(non_finite_predictions_stop_the_run_and_name_the_place)
{
    static const double values[] = {(double)NAN, HUGE_VAL, -HUGE_VAL};
    for (int v = 0; v < VARIANTS; v++) {
        for (int k = 0; k < 3; k++) {
            Setup *s = setup(1000, SPACING_LEADING, 10);
            Broken broken = {.at_t = 700, .value = values[k]};
            Denoiser denoiser = {.context = &broken, .dims = 1, .predict = broken_predict};
            SeedNoise seeds = {1};
            double x[4];
            apply(&variants[v], &s->run);
            Err err = {0};
            EXPECT_REFUSED(
                sample(variants[v].name, &s->run, denoiser, seed_noise(&seeds), 4, x, &err), err,
                ERR_DIVERGED, variants[v].name);
            EXPECT_CONTAINS(err.text, "step 3 of 10 (timestep 700)");
            EXPECT_CONTAINS(err.text, "image 3");
            EXPECT_INT(s->run.network_calls, 3);
        }
    }
}

TEST(non_finite_states_stop_the_run_and_name_the_place)
{
    for (int v = 0; v < VARIANTS; v++) {
        if (variants[v].clip) continue;
        Setup *s = setup(1000, SPACING_LEADING, 10);
        /* Finite itself, but x0 = -sigma eps / alpha is not. */
        Broken broken = {.at_t = 900, .value = 1e308};
        Denoiser denoiser = {.context = &broken, .dims = 1, .predict = broken_predict};
        SeedNoise seeds = {1};
        double x[4];
        apply(&variants[v], &s->run);
        Err err = {0};
        EXPECT_REFUSED(sample(variants[v].name, &s->run, denoiser, seed_noise(&seeds), 4, x, &err),
                       err, ERR_DIVERGED, "step 1 of 10 (timestep 900): the state is -inf");
    }
}

static bool diverging_predict(void *context, int count, const double *x, const NoiseLevel *levels,
                              int stride, double *eps, Err *err)
{
    (void)context, (void)count, (void)x, (void)levels, (void)stride, (void)eps;
    return err_set(err, ERR_DIVERGED, "the network gives nan");
}

static bool failing_predict(void *context, int count, const double *x, const NoiseLevel *levels,
                            int stride, double *eps, Err *err)
{
    (void)context, (void)count, (void)x, (void)levels, (void)stride, (void)eps;
    return err_set(err, ERR_MEMORY, "no memory");
}

TEST(errors_of_the_denoiser_come_through)
{
    Setup *s = setup(1000, SPACING_TRAILING, 4);
    SeedNoise seeds = {1};
    double x[1];
    for (const Sampler *sampler = samplers; sampler->name; sampler++) {
        Denoiser denoiser = {.dims = 1, .predict = diverging_predict};
        Err err = {0};
        EXPECT_REFUSED(sample(sampler->name, &s->run, denoiser, seed_noise(&seeds), 1, x, &err),
                       err, ERR_DIVERGED, " at step 1 ");
        EXPECT_CONTAINS(err.text, "(timestep 999): the network gives nan");
        EXPECT(!sample(sampler->name, &s->run, denoiser, seed_noise(&seeds), 1, x, NULL));
        denoiser.predict = failing_predict;
        EXPECT(!sample(sampler->name, &s->run, denoiser, seed_noise(&seeds), 1, x, &err));
        EXPECT_INT(err.kind, ERR_MEMORY);
        EXPECT_TEXT(err.text, "no memory");
    }
}

typedef struct {
    long limit, seen;
} CallLimit;

static bool stop_at_limit(void *context, long calls)
{
    CallLimit *c = context;
    EXPECT_INT(calls, ++c->seen);
    return calls < c->limit;
}

TEST(progress_follows_every_network_call_and_can_stop_the_run)
{
    for (const Sampler *sampler = samplers; sampler->name; sampler++) {
        Setup *s = setup(1000, SPACING_EVEN, 10);
        CallLimit limit = {.limit = 4};
        SeedNoise seeds = {1};
        double x[2];
        s->run.progress = stop_at_limit;
        s->run.progress_context = &limit;
        Denoiser denoiser = mixture_denoiser(&two_modes);
        Err err = {0};
        EXPECT(!sample(sampler->name, &s->run, denoiser, seed_noise(&seeds), 1, x, &err));
        EXPECT_INT(err.kind, ERR_INTERRUPTED);
        EXPECT_INT(s->run.network_calls, 4);
        limit = (CallLimit){.limit = 1000};
        EXPECT(sample(sampler->name, &s->run, denoiser, seed_noise(&seeds), 1, x, &err));
        EXPECT_INT(s->run.network_calls, limit.seen);
        int calls = (int)s->run.network_calls;
        if (!(sampler->reads & SAMPLE_ODE)) /* which takes as many as it needs */
            EXPECT_INT(sampler->levels ? sampler->levels(&s->run, calls) : calls, 10);
    }
}

TEST(samplers_that_clip_refuse_a_range_of_nothing)
{
    static const double ranges[] = {0, -1, (double)NAN};
    Setup *s = setup(1000, SPACING_EVEN, 10);
    SeedNoise seeds = {1};
    double x[2];
    Denoiser denoiser = mixture_denoiser(&two_modes);
    for (int k = 0; k < 3; k++) {
        Err err = {0};
        s->run.config.clip = true;
        s->run.clip_range = ranges[k];
        for (const Sampler *sampler = samplers; sampler->name; sampler++) {
            if (!(sampler->reads & SAMPLE_CLIP)) continue;
            EXPECT_REFUSED(sample(sampler->name, &s->run, denoiser, seed_noise(&seeds), 1, x, &err),
                           err, ERR_USAGE, "clipping range");
        }
    }
}

TEST(samplers_are_found_by_name)
{
    for (const Sampler *sampler = samplers; sampler->name; sampler++) {
        EXPECT(sampler_find(sampler->name) == sampler);
        EXPECT(sampler->summary && sampler->summary[0]);
    }
    EXPECT(!sampler_find("ddpmx"));
    EXPECT(!sampler_find(""));
}
