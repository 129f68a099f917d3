#include "sampler_setup.h"
/* The samplers themselves are run, never a copy of their formulas: against published results with
 * a stand-in network, and against closed forms with the exact denoiser of known data. */

/* ---- a run and its parts ---- */

/* ---- published runs ---- */

/* diffusers' set_alpha_to_one false: the walk ends at timestep 0. */
static void end_at_first_step(Setup *s)
{
    s->grid.level[s->grid.n] = process_level(&s->process, 0);
    s->grid.level[s->grid.n].time = -1;
}

static double sum_of_ramp(double beta_start, Prediction kind, bool end_clean)
{
    Setup *s = setup_betas(beta_start, 0.02, 1000, SPACING_LEADING, 10);
    if (!end_clean) end_at_first_step(s);
    double start[768], x[768], sum = 0;
    for (int i = 0; i < 768; i++) start[i] = i / 768.0;
    StandIn net = {kind, net_scaled_by_time, 768};
    s->run.config.clip = true;
    Err err = {0};
    must(sample("ddim", &s->run, stand_in(&net), fixed_start(start), 1, x, &err), &err);
    for (int i = 0; i < 768; i++) sum += fabs(x[i]);
    return sum;
}

TEST(ddim_reproduces_the_golden_sums_of_diffusers)
{
    EXPECT_NEAR(sum_of_ramp(1e-4, PREDICT_EPS, true), 172.0065, 6e-5);
    EXPECT_NEAR(sum_of_ramp(1e-4, PREDICT_EPS, true) / 768, 0.223967, 6e-7);
    EXPECT_NEAR(sum_of_ramp(1e-4, PREDICT_V, true), 52.5302, 1e-4);
    EXPECT_NEAR(sum_of_ramp(0.01, PREDICT_EPS, true), 149.8295, 2e-4);
    EXPECT_NEAR(sum_of_ramp(0.01, PREDICT_EPS, false), 149.0784, 2e-4);
}

TEST(ddim_reproduces_runs_of_diffusers_with_a_bent_network)
{
    static const struct {
        SpacingKind spacing;
        bool clip;
        Prediction kind;
        double x[4];
        bool end_noisy;
    } rows[] = {
        {SPACING_LEADING, false, PREDICT_EPS, {3.474059, -1.258725, 0.352849, 7.997031}, false},
        {SPACING_TRAILING, false, PREDICT_EPS, {5.631818, -2.012297, 0.522842, 13.028498}, false},
        {SPACING_LEADING, false, PREDICT_V, {0.213899, -0.092224, 0.042760, 0.498825}, false},
        {SPACING_LEADING, true, PREDICT_EPS, {1.000000, -0.654706, 0.295816, 1.000000}, false},
        {SPACING_LEADING, false, PREDICT_EPS, {3.495862, -1.267265, 0.355755, 8.045911}, true},
    };
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        Setup *s = setup(1000, rows[r].spacing, 10);
        double start[4] = {1, -0.5, 0.25, 2}, x[4];
        StandIn net = {rows[r].kind, net_bent, 1};
        if (rows[r].end_noisy) end_at_first_step(s);
        s->run.config.clip = rows[r].clip;
        Err err = {0};
        must(sample("ddim", &s->run, stand_in(&net), fixed_start(start), 4, x, &err), &err);
        for (int i = 0; i < 4; i++) EXPECT_NEAR(x[i], rows[r].x[i], 5e-6);
    }
}

/* ---- closed forms: with Gaussian data every sampler is affine in its draws ---- */

typedef struct {
    double mean, variance;
} Moments;

/* The exact moments of the sampler's result: images 0 .. n answer to one draw each, the last image
 * to none. */
static Moments moments_of(const char *name, Setup *s, double data_mean, double data_variance)
{
    int draws = s->grid.n + 1;
    double *x = malloc(((size_t)draws + 1) * sizeof *x);
    GaussianData data = {.dims = 1, .mean = data_mean, .std = sqrt(data_variance)};
    NoiseSource impulses = {.normals = impulse_normals};
    Err err = {0};
    must(sample(name, &s->run, gaussian_denoiser(&data), impulses, draws + 1, x, &err), &err);
    Moments m = {.mean = x[draws]};
    for (int k = 0; k < draws; k++) m.variance += (x[k] - m.mean) * (x[k] - m.mean);
    free(x);
    return m;
}

TEST(ddpm_on_all_steps_has_the_variances_of_the_closed_form)
{
    static const struct {
        double data, small, large;
    } rows[] = {{1, 0.991067, 0.999900}, {0.25, 0.246125, 0.250752}, {0.01, 0.009276, 0.010154}};
    for (int r = 0; r < 3; r++) {
        Setup *s = setup(1000, SPACING_EVEN, 1000);
        s->run.config.variance = VARIANCE_SMALL;
        EXPECT_NEAR(moments_of("ddpm", s, 0, rows[r].data).variance, rows[r].small, 1e-6);
        s->run.config.variance = VARIANCE_LARGE;
        EXPECT_NEAR(moments_of("ddpm", s, 0, rows[r].data).variance, rows[r].large, 1e-6);
        EXPECT_INT(s->run.network_calls, 1000);
    }
}

TEST(ddpm_on_few_steps_has_the_variances_of_the_closed_form)
{
    static const struct {
        int steps;
        double small, large;
    } rows[] = {{10, 0.10422, 0.35852},
                {50, 0.19642, 0.26788},
                {100, 0.21898, 0.25865},
                {250, 0.23602, 0.25335}};
    for (int r = 0; r < 4; r++) {
        Setup *s = setup(1000, SPACING_EVEN, rows[r].steps);
        s->run.config.variance = VARIANCE_SMALL;
        EXPECT_NEAR(moments_of("ddpm", s, 0.5, 0.25).variance, rows[r].small, 6e-6);
        s->run.config.variance = VARIANCE_LARGE;
        EXPECT_NEAR(moments_of("ddpm", s, 0.5, 0.25).variance, rows[r].large, 6e-6);
    }
}

TEST(ddim_has_the_variances_and_mean_of_the_closed_form)
{
    static const struct {
        int steps;
        double variance;
    } rows[] = {{10, 0.130763},  {20, 0.185289},  {50, 0.222704},  {100, 0.236048},
                {200, 0.242913}, {500, 0.247095}, {1000, 0.248498}};
    for (int r = 0; r < 7; r++) {
        Setup *s = setup(1000, SPACING_EVEN, rows[r].steps);
        Moments m = moments_of("ddim", s, 0.5, 0.25);
        EXPECT_NEAR(m.variance, rows[r].variance, 1e-6);
        /* The start is N(0, 1), not N(alpha_T m, .): that miss shrinks as the noise does. */
        double alpha_T = process_level(&s->process, 999).alpha;
        EXPECT_NEAR(m.mean, 0.5 - 0.5 * alpha_T * sqrt(m.variance), 1e-12);
        if (rows[r].steps == 1000) EXPECT_NEAR(m.mean, 0.49841, 1e-5);
    }
}

/* ---- relations ---- */

TEST(ddim_with_eta_one_is_ddpm_with_small_variance)
{
    static const int steps[] = {1, 2, 10, 100};
    for (int clip = 0; clip < 2; clip++) {
        for (int k = 0; k < 4; k++) {
            Setup *s = setup(1000, SPACING_EVEN, steps[k]);
            SeedNoise seeds = {7};
            double a[40], b[40];
            s->run.config.clip = clip;
            s->run.clip_range = 0.7; /* binds for both modes */
            s->run.config.eta = 1;
            s->run.config.variance = VARIANCE_SMALL;
            Denoiser denoiser = mixture_denoiser(&two_modes);
            Err err = {0};
            must(sample("ddim", &s->run, denoiser, seed_noise(&seeds), 20, a, &err), &err);
            must(sample("ddpm", &s->run, denoiser, seed_noise(&seeds), 20, b, &err), &err);
            for (int i = 0; i < 40; i++) EXPECT_NEAR(a[i], b[i], 1e-12);
        }
    }
}

TEST(every_number_of_steps_on_every_grid_gives_finite_images)
{
    static const struct {
        int T, steps;
    } rows[] = {{1, 1},   {2, 2},    {200, 1},   {200, 2},  {200, 3},
                {200, 5}, {200, 10}, {200, 199}, {200, 200}};
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        for (SpacingKind spacing = SPACING_EVEN; spacing <= SPACING_QUADRATIC; spacing++) {
            Setup *s = setup_betas(5e-4, 0.1, rows[r].T, spacing, rows[r].steps);
            for (int v = 0; v < VARIANTS; v++) {
                SeedNoise seeds = {3};
                double x[6];
                apply(&variants[v], &s->run);
                Err err = {0};
                EXPECT(sample(variants[v].name, &s->run, mixture_denoiser(&two_modes),
                              seed_noise(&seeds), 3, x, &err));
                EXPECT_TEXT(err.text, "");
                EXPECT_INT(s->run.network_calls, rows[r].steps);
                for (int i = 0; i < 6; i++) EXPECT(isfinite(x[i]));
            }
        }
    }
}

TEST(clipping_keeps_images_in_range)
{
    static const double ranges[] = {1, 0.25};
    for (int v = 0; v < VARIANTS; v++) {
        if (!variants[v].clip) continue;
        for (int k = 0; k < 2; k++) {
            Setup *s = setup(1000, SPACING_EVEN, 20);
            SeedNoise seeds = {11};
            StandIn net = {PREDICT_EPS, net_bent, 1};
            double x[200], largest = 0;
            apply(&variants[v], &s->run);
            s->run.clip_range = ranges[k];
            Err err = {0};
            must(
                sample(variants[v].name, &s->run, stand_in(&net), seed_noise(&seeds), 200, x, &err),
                &err);
            for (int i = 0; i < 200; i++) largest = test_larger(largest, fabs(x[i]));
            /* This network leaves the range, so clipping binds: the bound is reached. */
            EXPECT_NEAR(largest, ranges[k], 1e-12);
        }
    }
}

/* ---- noise ---- */

typedef struct {
    int asked[16]; /* how often each draw was asked for, one image */
} Recorder;

static void record_normals(void *context, int image, uint64_t draw, size_t dims, double *z)
{
    Recorder *r = context;
    EXPECT_INT(image, 0);
    if (EXPECT(draw < 16)) r->asked[draw]++;
    for (size_t i = 0; i < dims; i++) z[i] = 0.1;
}

TEST(draws_are_numbered_by_position_and_the_last_step_takes_none)
{
    for (int v = 0; v < VARIANTS; v++) {
        Setup *s = setup(1000, SPACING_TRAILING, 10);
        Recorder recorder = {{0}};
        NoiseSource noise = {.context = &recorder, .normals = record_normals};
        double x[2];
        apply(&variants[v], &s->run);
        Err err = {0};
        must(sample(variants[v].name, &s->run, mixture_denoiser(&two_modes), noise, 1, x, &err),
             &err);
        bool noisy = strcmp(variants[v].name, "ddpm") == 0 || variants[v].eta > 0;
        for (int draw = 0; draw < 16; draw++)
            EXPECT_INT(recorder.asked[draw], draw == 0 || (noisy && draw < 10));
    }
}

TEST(seed_noise_gives_each_image_and_draw_its_own_standard_normals)
{
    enum { N = 10000 };
    static double a[N], b[N], c[N];
    SeedNoise seeds = {100}, later = {101};
    NoiseSource first = seed_noise(&seeds), second = seed_noise(&later);
    first.normals(first.context, 1, 2, N, a);
    second.normals(second.context, 0, 2, N, b);
    EXPECT_SAME(a, b, sizeof a);
    first.normals(first.context, 0, 2, N, b);
    first.normals(first.context, 1, 3, N, c);
    double square = 0, image = 0, draw = 0;
    for (int i = 0; i < N; i++) {
        square += a[i] * a[i] / N;
        image += a[i] * b[i] / N;
        draw += a[i] * c[i] / N;
    }
    EXPECT_NEAR(square, 1, 5 * sqrt(2.0 / N)); /* 5 sigma */
    EXPECT_NEAR(image, 0, 5 * sqrt(1.0 / N));
    EXPECT_NEAR(draw, 0, 5 * sqrt(1.0 / N));
}

TEST(image_is_the_same_alone_and_in_a_batch)
{
    for (int v = 0; v < VARIANTS; v++) {
        Setup *s = setup(1000, SPACING_EVEN, 12);
        enum { COUNT = 2100 }; /* over the size from which loops use threads */
        static double batch[2 * COUNT];
        apply(&variants[v], &s->run);
        Denoiser denoiser = mixture_denoiser(&two_modes);
        SeedNoise seeds = {40};
        Err err = {0};
        must(sample(variants[v].name, &s->run, denoiser, seed_noise(&seeds), COUNT, batch, &err),
             &err);
        for (int k = 0; k < COUNT; k += 419) {
            SeedNoise own = {40 + (uint64_t)k};
            double alone[2];
            must(sample(variants[v].name, &s->run, denoiser, seed_noise(&own), 1, alone, &err),
                 &err);
            EXPECT_SAME(alone, batch + 2 * (size_t)k, sizeof alone);
        }
    }
}

TEST(images_do_not_depend_on_the_number_of_threads)
{
    enum { COUNT = 2100 };
    static double reference[2 * COUNT], x[2 * COUNT];
    for (int v = 0; v < VARIANTS; v++) {
        Setup *s = setup(1000, SPACING_EVEN, 5);
        SeedNoise seeds = {5};
        apply(&variants[v], &s->run);
        bool first = true;
        FOR_THREADS(threads)
        {
            Err err = {0};
            must(sample(variants[v].name, &s->run, mixture_denoiser(&two_modes), seed_noise(&seeds),
                        COUNT, x, &err),
                 &err);
            if (first) memcpy(reference, x, sizeof x);
            first = false;
            if (!EXPECT_SAME(x, reference, sizeof x)) fprintf(stderr, "%d threads\n", threads);
        }
    }
}

/* ---- a distribution with two modes ---- */

/* 4000 images: the share of the heavier mode within 5 standard errors of 0.8. */
TEST(ddim_reproduces_the_weights_of_two_modes)
{
    enum { COUNT = 4000 };
    static double x[2 * COUNT];
    Setup *s = setup(1000, SPACING_EVEN, 50);
    SeedNoise seeds = {1};
    Err err = {0};
    must(sample("ddim", &s->run, mixture_denoiser(&two_modes), seed_noise(&seeds), COUNT, x, &err),
         &err);
    int heavier = 0;
    for (int i = 0; i < COUNT; i++) heavier += x[2 * i] + x[2 * i + 1] < 0;
    EXPECT_NEAR((double)heavier / COUNT, 0.8, 5 * sqrt(0.8 * 0.2 / COUNT));
}
