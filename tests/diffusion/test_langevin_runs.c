/* What holds for every run of the stochastic samplers: network calls, grids, draws, bits, failures. */
#include "exact_denoiser.h"
#include "solver_case.h"

/* Every sampler of this file, pc with each predictor and from none to several corrector steps. */
typedef struct {
    const char *name;
    PredictorKind predictor;
    int corrector_steps;
} Variant;
static const Variant variants[] = {
    {"ancestral", PREDICTOR_REVERSE_DIFFUSION, 1},
    {"langevin", PREDICTOR_REVERSE_DIFFUSION, 1},
    {"plain-langevin", PREDICTOR_REVERSE_DIFFUSION, 1},
    {"reverse-sde", PREDICTOR_REVERSE_DIFFUSION, 1},
    {"pc", PREDICTOR_REVERSE_DIFFUSION, 1},
    {"pc", PREDICTOR_REVERSE_DIFFUSION, 0},
    {"pc", PREDICTOR_ANCESTRAL, 3},
    {"pc", PREDICTOR_NONE, 2},
};
enum { VARIANTS = sizeof variants / sizeof *variants };

static void apply(const Variant *v, SampleRun *run)
{
    run->config.predictor = v->predictor;
    run->config.corrector_steps = v->corrector_steps;
}

static Case *case_of(const NoiseConfig *config, SpacingKind spacing, int levels)
{
    Case *c = case_new(config);
    case_spaced(c, spacing, levels);
    return c;
}

TEST(every_number_of_steps_of_every_process_gives_finite_images)
{
    static const int steps[] = {1, 2, 3, 5, 99, 100};
    for (int kind = 0; kind < PROCESSES; kind++) {
        for (int k = 0; k < 6; k++) {
            for (int v = 0; v < VARIANTS; v++) {
                for (SpacingKind spacing = SPACING_EVEN; spacing <= SPACING_KARRAS; spacing++) {
                    if (k > 3 && spacing != SPACING_EVEN) continue;
                    Case *s = case_of(&every_process[kind], spacing, steps[k]);
                    SeedNoise seeds = {3};
                    double x[6];
                    apply(&variants[v], &s->run);
                    Err err = {0};
                    EXPECT(sample(variants[v].name, s, mixture_denoiser(&two_modes),
                                  seed_noise(&seeds), 3, x, &err));
                    EXPECT_TEXT(err.text, "");
                    for (int i = 0; i < 6; i++) EXPECT(isfinite(x[i]));
                }
            }
        }
    }
}

/* The price of a walk in network calls, over n levels. */
static long price(const Variant *v, const SampleRun *run, int n)
{
    if (strcmp(v->name, "langevin") == 0) return (long)n * run->config.langevin_steps + 1;
    if (strcmp(v->name, "plain-langevin") == 0) return n + 1;
    if (strcmp(v->name, "pc") != 0) return n;
    return (long)n * (v->corrector_steps + (v->predictor != PREDICTOR_NONE));
}

TEST(steps_are_network_calls_as_nearly_as_the_sampler_can)
{
    static const int calls[] = {1, 2, 4, 6, 50, 101};
    for (int v = 0; v < VARIANTS; v++) {
        for (int k = 0; k < 6; k++) {
            Case *s = case_new(&every_process[PROCESS_VP]);
            SeedNoise seeds = {3};
            double x[2];
            apply(&variants[v], &s->run);
            Err err = {0};
            bool enough = price(&variants[v], &s->run, 1) <= calls[k];
            bool ok = sampler_grid(sampler_find(variants[v].name), &s->run, SPACING_AUTO, calls[k],
                                   &s->grid, &err);
            EXPECT_INT(ok, enough);
            if (!ok) {
                EXPECT_INT(err.kind, ERR_USAGE);
                char want[64];
                snprintf(want, sizeof want, "not enough for one step, which takes %ld",
                         price(&variants[v], &s->run, 1));
                EXPECT_CONTAINS(err.text, want);
            } else {
                must(sample(variants[v].name, s, mixture_denoiser(&two_modes), seed_noise(&seeds),
                            1, x, &err),
                     &err);
                EXPECT_INT(s->run.network_calls, price(&variants[v], &s->run, s->grid.n));
                EXPECT(s->run.network_calls <= calls[k]);
                EXPECT(price(&variants[v], &s->run, s->grid.n + 1) > calls[k]);
            }
        }
    }
}

TEST(grids_by_default_suit_sampler_and_process)
{
    for (int kind = 0; kind < PROCESSES; kind++) {
        for (int v = 0; v < VARIANTS; v++) {
            Case *s = case_new(&every_process[kind]);
            apply(&variants[v], &s->run);
            Err err = {0};
            must(sampler_grid(sampler_find(variants[v].name), &s->run, SPACING_AUTO, 0, &s->grid,
                              &err),
                 &err);
            const NoiseLevel *level = s->grid.level;
            int n = s->grid.n;
            if (strcmp(variants[v].name, "plain-langevin") == 0) {
                EXPECT_INT(n, 999);
            } else if (strcmp(variants[v].name, "langevin") == 0 && kind != PROCESS_SMLD) {
                double first = level_logsnr(level[1]) - level_logsnr(level[0]);
                double last = level_logsnr(level[n - 1]) - level_logsnr(level[n - 2]);
                EXPECT_NEAR(first, last, 1e-6);
                EXPECT(exp(first) > 1.08 && exp(first) <= 1.1);
            } else {
                EXPECT_INT(n, process_is_discrete(&s->process) ? s->process.T : 1000);
                EXPECT_NEAR(level[0].time - level[1].time, level[n - 2].time - level[n - 1].time,
                            1e-9);
            }
        }
    }
}

typedef struct {
    int next;
} Recorder;

static void record_normals(void *context, int image, uint64_t draw, size_t dims, double *z)
{
    Recorder *r = context;
    EXPECT_INT(image, 0);
    EXPECT_INT(draw, r->next);
    r->next++;
    for (size_t i = 0; i < dims; i++) z[i] = 0.1;
}

TEST(draws_are_numbered_in_order_of_use)
{
    for (int v = 0; v < VARIANTS; v++) {
        Case *s = case_of(&every_process[PROCESS_VP], SPACING_EVEN, 10);
        Recorder recorder = {0};
        NoiseSource noise = {.context = &recorder, .normals = record_normals};
        double x[2];
        apply(&variants[v], &s->run);
        Err err = {0};
        must(sample(variants[v].name, s, mixture_denoiser(&two_modes), noise, 1, x, &err), &err);
        /* The start and one for each call but the last, which adds no noise; a corrector that comes
         * last draws for its step size. */
        bool corrector_last = variants[v].predictor == PREDICTOR_NONE;
        EXPECT_INT(recorder.next, s->run.network_calls + corrector_last);
    }
}

TEST(image_is_the_same_alone_and_in_a_batch)
{
    enum { COUNT = 2100 }; /* over the size from which loops use threads */
    static double batch[2 * COUNT];
    for (int kind = PROCESS_SMLD; kind <= PROCESS_VP; kind += 2) {
        for (int v = 0; v < VARIANTS; v++) {
            Case *s = case_of(&every_process[kind], SPACING_EVEN, 4);
            SeedNoise seeds = {40};
            Denoiser denoiser = mixture_denoiser(&two_modes);
            apply(&variants[v], &s->run);
            Err err = {0};
            must(sample(variants[v].name, s, denoiser, seed_noise(&seeds), COUNT, batch, &err),
                 &err);
            for (int k = 0; k < COUNT; k += 419) {
                SeedNoise own = {40 + (uint64_t)k};
                double alone[2];
                must(sample(variants[v].name, s, denoiser, seed_noise(&own), 1, alone, &err), &err);
                EXPECT_SAME(alone, batch + 2 * (size_t)k, sizeof alone);
            }
        }
    }
}

/* 300 images of 24 values: the corrector's norms are of each image. */
TEST(images_do_not_depend_on_the_number_of_threads_or_on_their_mates)
{
    enum { WIDE = 24, COUNT = 300 };
    static double reference[WIDE * COUNT], x[WIDE * COUNT];
    GaussianData data = {.dims = WIDE, .mean = 0.5, .std = 0.25};
    for (int v = 0; v < VARIANTS; v++) {
        Case *s = case_of(&every_process[PROCESS_SUBVP], SPACING_EVEN, 4);
        SeedNoise seeds = {5}, later = {5 + 123};
        double alone[WIDE];
        bool first = true;
        apply(&variants[v], &s->run);
        Err err = {0};
        FOR_THREADS(threads)
        {
            must(sample(variants[v].name, s, gaussian_denoiser(&data), seed_noise(&seeds), COUNT, x,
                        &err),
                 &err);
            if (first) memcpy(reference, x, sizeof x);
            first = false;
            if (!EXPECT_SAME(x, reference, sizeof x)) fprintf(stderr, "%d threads\n", threads);
        }
        must(sample(variants[v].name, s, gaussian_denoiser(&data), seed_noise(&later), 1, alone,
                    &err),
             &err);
        EXPECT_SAME(alone, reference + (size_t)123 * WIDE, sizeof alone);
    }
}

/* ---- failures ---- */

typedef struct {
    int call; /* the call whose last value is `value`: from 0, or -1 for the last */
    double value;
} BrokenCall;

static bool break_call(void *context, int count, const double *x, const NoiseLevel *levels,
                       int stride, double *eps, Err *err)
{
    (void)levels, (void)stride, (void)err;
    BrokenCall *b = context;
    for (int i = 0; i < count; i++) eps[i] = 0.5 * x[i];
    if (b->call-- == 0) eps[count - 1] = b->value;
    return true;
}

/* Runs three levels of SMLD with one broken prediction. */
static void expect_diverged(const Variant *v, BrokenCall broken, const char *place,
                            const char *what)
{
    Case *s = case_of(&every_process[PROCESS_SMLD], SPACING_EVEN, 3);
    Denoiser denoiser = {.context = &broken, .dims = 1, .predict = break_call};
    SeedNoise seeds = {1};
    double x[4];
    apply(v, &s->run);
    s->run.config.snr = 1;
    if (broken.call < 0) broken.call += (int)price(v, &s->run, 3);
    Err err = {0};
    EXPECT_REFUSED(sample(v->name, s, denoiser, seed_noise(&seeds), 4, x, &err), err, ERR_DIVERGED,
                   v->name);
    EXPECT_CONTAINS(err.text, place);
    EXPECT_CONTAINS(err.text, what);
    EXPECT_CONTAINS(err.text, "image 3");
}

TEST(non_finite_values_stop_the_run_and_name_sampler_and_step)
{
    static const double values[] = {(double)NAN, HUGE_VAL, -HUGE_VAL};
    for (int v = 0; v < VARIANTS; v++) {
        for (int k = 0; k < 3; k++) {
            expect_diverged(&variants[v], (BrokenCall){0, values[k]},
                            "at step 1 of 3 (timestep 99)", "the predicted noise is");
            expect_diverged(&variants[v], (BrokenCall){-1, values[k]},
                            "at step 3 of 3 (timestep 0)", "the predicted noise is");
        }
        /* Finite itself, but not when multiplied by the largest noise. */
        expect_diverged(&variants[v], (BrokenCall){0, 1e308}, "at step 1 of 3 (timestep 99)",
                        "the state is");
    }
}

static bool stop_at_limit(void *context, long calls)
{
    return calls < *(long *)context;
}

TEST(every_network_call_can_interrupt_the_run)
{
    for (int v = 0; v < VARIANTS; v++) {
        for (long limit = 1; limit < 40; limit++) {
            Case *s = case_of(&every_process[PROCESS_VP], SPACING_EVEN, 5);
            SeedNoise seeds = {1};
            double x[2];
            apply(&variants[v], &s->run);
            s->run.progress = stop_at_limit;
            s->run.progress_context = &limit;
            Err err = {0};
            bool ok = sample(variants[v].name, s, mixture_denoiser(&two_modes), seed_noise(&seeds),
                             1, x, &err);
            long whole = price(&variants[v], &s->run, 5);
            EXPECT_INT(ok, limit > whole);
            EXPECT_INT(s->run.network_calls, limit > whole ? whole : limit);
            if (!ok) EXPECT_INT(err.kind, ERR_INTERRUPTED);
            if (!ok) EXPECT_CONTAINS(err.text, variants[v].name);
        }
    }
}

TEST(pc_without_predictor_and_corrector_is_a_usage_error)
{
    Case *s = case_of(&every_process[PROCESS_VP], SPACING_EVEN, 5);
    SeedNoise seeds = {1};
    double x[2];
    Err err = {0};
    s->run.config.predictor = PREDICTOR_NONE;
    s->run.config.corrector_steps = 0;
    EXPECT_REFUSED(sample("pc", s, mixture_denoiser(&two_modes), seed_noise(&seeds), 1, x, &err),
                   err, ERR_USAGE,
                   "sampler pc: the number of corrector steps is 0; it must be 1 or more without "
                   "predictor");
}
