/* The stochastic samplers of SMLD and the SDEs, run with the exact denoiser of known data against
 * closed forms and published settings: on Gaussian data each is affine in its draws. */
#include "base/rng.h"
#include "diffusion/smld_levels.h"
#include "exact_denoiser.h"
#include "solver_case.h"

static const NoiseConfig smld_1000 = {
    .kind = PROCESS_SMLD, .levels = 1000, .sigma_min = 0.01, .sigma_max = 50};

static Case *case_of(const NoiseConfig *config, SpacingKind spacing, int levels)
{
    Case *c = case_new(config);
    case_spaced(c, spacing, levels);
    return c;
}

/* ---- closed forms ---- */

typedef struct {
    double mean, variance;
} Moments;

/* Image k gets 1 at draw k and 0 at all others, so its result is the factor of that draw. */
static void impulse_normals(void *context, int image, uint64_t draw, size_t dims, double *z)
{
    (void)context;
    for (size_t i = 0; i < dims; i++) z[i] = draw == (uint64_t)image;
}

/* The exact moments of the result after `draws` draws and a start of variance `start`: images
 * 0 .. draws answer to one draw each, the last image to none. */
static Moments moments_of(const char *name, Case *s, int draws, double start, double data_mean,
                          double data_variance)
{
    double *x = malloc(((size_t)draws + 2) * sizeof *x);
    GaussianData data = {.dims = 1, .mean = data_mean, .std = sqrt(data_variance)};
    NoiseSource impulses = {.normals = impulse_normals};
    Err err = {0};
    must(sample(name, s, gaussian_denoiser(&data), impulses, draws + 2, x, &err), &err);
    double prior = process_prior_std(&s->process);
    Moments m = {.mean = x[draws + 1]};
    for (int k = 0; k <= draws; k++) {
        double factor = x[k] - m.mean;
        m.variance += factor * factor * (k == 0 ? start / (prior * prior) : 1);
    }
    free(x);
    return m;
}

static Moments chain_moments(const char *name, Case *s)
{
    double prior = process_prior_std(&s->process);
    return moments_of(name, s, s->grid.n - 1, prior * prior, 0.5, 0.0625);
}

TEST(ancestral_and_reverse_diffusion_of_smld_have_the_moments_of_the_closed_form)
{
    Case *s = case_of(&smld_1000, SPACING_EVEN, 1000);
    s->run.config.corrector_steps = 0;
    Moments m = chain_moments("pc", s);
    EXPECT_NEAR(m.mean, 0.4999875, 1e-7);
    EXPECT_NEAR(m.variance, 0.0629360, 1e-7);
    EXPECT_INT(s->run.network_calls, 1000);
    m = chain_moments("ancestral", s);
    EXPECT_NEAR(m.variance, 0.0618720, 1e-7);
    EXPECT_INT(s->run.network_calls, 1000);
    s->run.config.predictor = PREDICTOR_ANCESTRAL;
    EXPECT_NEAR(chain_moments("pc", s).variance, m.variance, 1e-12);
    EXPECT_NEAR(chain_moments("pc", s).mean, m.mean, 1e-12);
}

/* 1000 steps: times linspace(1, 1e-3, 1000) lie 1/1000 apart, as Song et al. take them. With fewer
 * they use dt = 1/n all the same, which leaves a gap before time 0; here dt is the difference of the
 * times, and the variances are those of its own recursion. */
TEST(reverse_sde_has_the_moments_of_the_closed_form)
{
    static const struct {
        int kind, n;
        double mean, variance;
    } rows[] = {
        {PROCESS_VP, 1000, 0.500202, 0.0624839}, {PROCESS_SUBVP, 1000, 0.500339, 0.0625862},
        {PROCESS_VP, 100, 0.501992, 0.0637960},  {PROCESS_VP, 200, 0.501001, 0.0629985},
        {PROCESS_VP, 500, 0.500402, 0.0626030},  {PROCESS_VP, 2000, 0.500102, 0.0624267},
    };
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        Case *s = case_of(&every_process[rows[r].kind], SPACING_UNIFORM, rows[r].n);
        Moments m = chain_moments("reverse-sde", s);
        EXPECT_NEAR(m.mean, rows[r].mean, 6e-7);
        EXPECT_NEAR(m.variance, rows[r].variance, 6e-8);
        EXPECT_INT(s->run.network_calls, rows[r].n);
    }
}

/* The recursions in the forms they are published in, for every kind of process. */
typedef enum { BY_EULER, BY_REVERSE_DIFFUSION, BY_ANCESTRAL } Rule;

static Moments recursion(const Case *s, Rule rule, double m, double d)
{
    const Process *p = &s->process;
    double prior = process_prior_std(p);
    Moments x = {0, prior * prior};
    for (int i = 0; i < s->grid.n; i++) {
        NoiseLevel t = s->grid.level[i], q = s->grid.level[i + 1];
        bool last = i + 1 == s->grid.n;
        double v = t.alpha * t.alpha * d + t.sigma * t.sigma; /* score = -(x - alpha m) / v */
        double r = t.alpha / q.alpha, G2 = t.sigma * t.sigma - r * r * q.sigma * q.sigma;
        double keep = 0, along_score = 0, noise = 0;
        if (rule == BY_EULER) {
            double dt = t.time - q.time;
            Drift drift = process_drift(p, t.time);
            keep = 1 - drift.f * dt;
            along_score = noise = drift.g2 * dt;
            if (last && drift.f == 0) along_score = t.sigma * t.sigma;
        } else if (rule == BY_REVERSE_DIFFUSION) {
            keep = 2 - r;
            along_score = noise = G2;
        } else {
            keep = 1 / r;
            along_score = G2 / r;
            noise = G2 * q.sigma * q.sigma / (t.sigma * t.sigma);
        }
        double factor = keep - along_score / v;
        x.mean = factor * x.mean + along_score * t.alpha * m / v;
        x.variance = factor * factor * x.variance + (last ? 0 : noise);
    }
    return x;
}

TEST(chains_of_every_process_follow_their_published_steps)
{
    static const int steps[] = {1, 2, 7, 50, 100};
    for (int kind = 0; kind < PROCESSES; kind++) {
        for (int k = 0; k < 5; k++) {
            Case *s = case_of(&every_process[kind], SPACING_EVEN, steps[k]);
            s->run.config.corrector_steps = 0;
            Moments want[3], got[3];
            for (int rule = 0; rule < 3; rule++) want[rule] = recursion(s, (Rule)rule, 0.5, 0.0625);
            got[BY_EULER] = chain_moments("reverse-sde", s);
            got[BY_REVERSE_DIFFUSION] = chain_moments("pc", s);
            got[BY_ANCESTRAL] = chain_moments("ancestral", s);
            for (int rule = 0; rule < 3; rule++) {
                EXPECT_NEAR(got[rule].mean, want[rule].mean, 1e-9 * (1 + fabs(want[rule].mean)));
                EXPECT_NEAR(got[rule].variance, want[rule].variance,
                            1e-9 * (1 + want[rule].variance));
            }
        }
    }
}

/* An SDE of VE ends with noise sigma_min in the image; the last step must not leave it there. */
TEST(reverse_sde_of_processes_that_only_add_noise_ends_clean)
{
    static const int kinds[] = {PROCESS_SMLD, PROCESS_VE};
    for (int k = 0; k < 2; k++) {
        NoiseConfig config = every_process[kinds[k]];
        config.sigma_min = 0.1;
        Case *s = case_of(&config, SPACING_UNIFORM, 200);
        double prior = process_prior_std(&s->process);
        /* Data that is one point: all that is left is what the sampler leaves. */
        Moments m = moments_of("reverse-sde", s, 199, prior * prior, 0.5, 0);
        EXPECT_NEAR(m.mean, 0.5, 1e-9);
        EXPECT_NEAR(m.variance, 0, 1e-9);
    }
}

/* ---- annealed Langevin dynamics ---- */

typedef struct {
    double sigma_max;
    int levels, steps;
    double step, variance;
} Annealing;

/* The settings of Song & Ermon 2019 and 2020, and what NCSNv2's rules give for 784 dimensions; data
 * N(0.5, 0.0625), start uniform on [0, 1], whose variance is 1/12. */
static const Annealing annealings[] = {
    {50, 232, 5, 6.2e-6, 0.0712800},
    {1, 10, 100, 2e-5, 0.0645315},
    {28, 102, 5, 1.11e-5, 0.0734232},
};

static Moments annealed(const Annealing *a, double step)
{
    NoiseConfig config = {
        .kind = PROCESS_SMLD, .levels = a->levels, .sigma_min = 0.01, .sigma_max = a->sigma_max};
    Case *s = case_of(&config, SPACING_EVEN, a->levels);
    s->run.config.langevin_steps = a->steps;
    s->run.config.langevin_step = step;
    Moments m = moments_of("langevin", s, a->levels * a->steps, 1.0 / 12, 0.5, 0.0625);
    EXPECT_INT(s->run.network_calls, a->levels * a->steps + 1);
    return m;
}

TEST(langevin_with_published_settings_has_the_variances_of_the_closed_form)
{
    double denoised = 0.0625 / (0.0625 + 1e-4); /* the factor of the last step */
    for (int k = 0; k < 3; k++) {
        Moments m = annealed(&annealings[k], annealings[k].step);
        EXPECT_NEAR(m.variance / (denoised * denoised), annealings[k].variance, 6e-8);
        if (k == 0) EXPECT_NEAR(m.variance, 0.0710524, 6e-8);
    }
}

TEST(langevin_without_a_step_takes_that_of_technique_4)
{
    for (int k = 0; k < 3; k++) {
        const Annealing *a = &annealings[k];
        double ratio = pow(a->sigma_max / 0.01, 1.0 / (a->levels - 1));
        Moments chosen = annealed(a, 0);
        Moments given = annealed(a, langevin_step_size(a->steps, 0.01, ratio));
        EXPECT_NEAR(chosen.variance, given.variance, 1e-9);
    }
}

/* y = x / alpha of every process is noised as SMLD noises, by s = sigma / alpha. */
TEST(langevin_of_every_process_anneals_the_unscaled_image)
{
    for (int kind = 0; kind < PROCESSES; kind++) {
        Case *s = case_of(&every_process[kind], SPACING_LOGSNR, 30);
        s->run.config.langevin_steps = 4;
        s->run.config.langevin_step = 3e-6;
        const NoiseLevel *level = s->grid.level;
        double smallest = level[29].sigma / level[29].alpha;
        double prior = process_prior_std(&s->process);
        double start = prior * prior / (level[0].alpha * level[0].alpha), variance = start,
               mean = 0;
        for (int i = 0; i < 30; i++) {
            double noise = level[i].sigma / level[i].alpha, v = 0.0625 + noise * noise;
            double a = 3e-6 * (noise / smallest) * (noise / smallest);
            for (int k = 0; k < 4; k++) {
                mean += a * (0.5 - mean) / v;
                variance = (1 - a / v) * (1 - a / v) * variance + 2 * a;
            }
        }
        double v = 0.0625 + smallest * smallest, last = 1 - smallest * smallest / v;
        mean += smallest * smallest * (0.5 - mean) / v;
        Moments m = moments_of("langevin", s, 120, prior * prior, 0.5, 0.0625);
        EXPECT_NEAR(m.mean, mean, 1e-9 * (1 + fabs(mean)));
        EXPECT_NEAR(m.variance, last * last * variance, 1e-9 * (1 + variance));
    }
}

TEST(plain_langevin_stays_at_the_cleanest_level)
{
    for (int kind = 0; kind < PROCESSES; kind++) {
        Case *s = case_new(&every_process[kind]);
        const Sampler *plain = sampler_find("plain-langevin");
        Err err = {0};
        must(sampler_grid(plain, &s->run, SPACING_AUTO, 300, &s->grid, &err), &err);
        NoiseLevel cleanest = process_level(&s->process, process_time_end(&s->process));
        EXPECT_INT(s->grid.n, 299);
        for (int i = 0; i < s->grid.n; i++)
            EXPECT_SAME(&s->grid.level[i], &cleanest, sizeof cleanest);
        s->run.config.langevin_step = 1e-6;
        double noise = cleanest.sigma / cleanest.alpha, v = 0.0625 + noise * noise;
        double prior = process_prior_std(&s->process), start = prior * prior;
        double variance = start / (cleanest.alpha * cleanest.alpha);
        for (int k = 0; k < 299; k++) variance = (1 - 1e-6 / v) * (1 - 1e-6 / v) * variance + 2e-6;
        double last = 0.0625 / v;
        EXPECT_NEAR(moments_of("plain-langevin", s, 299, start, 0.5, 0.0625).variance,
                    last * last * variance, 1e-9 * variance);
        EXPECT_INT(s->run.network_calls, 300);
    }
}

/* ---- the corrector ---- */

enum { WIDE = 24 };

/* eps = 0.3 x - 0.2, whatever the level; 0 where context says so. */
static bool bent_predict(void *context, int count, const double *x, const NoiseLevel *levels,
                         int stride, double *eps, Err *err)
{
    (void)levels, (void)stride, (void)err;
    for (int i = 0; i < count * WIDE; i++) eps[i] = context ? 0 : 0.3 * x[i] - 0.2;
    return true;
}

/* A step by hand, with the norms of one image: e = 2 a (snr |z| / |score|)^2. */
TEST(corrector_takes_the_langevin_step_of_its_image)
{
    for (int kind = 0; kind < PROCESSES; kind++) {
        Case *s = case_of(&every_process[kind], SPACING_EVEN, 1);
        SeedNoise seeds = {3};
        NoiseSource noise = seed_noise(&seeds);
        Denoiser denoiser = {.dims = WIDE, .predict = bent_predict};
        double x[2 * WIDE], want[2 * WIDE], z[2][WIDE];
        s->run.config.predictor = PREDICTOR_NONE;
        s->run.config.corrector_steps = 2;
        s->run.config.snr = 0.3;
        Err err = {0};
        must(sample("pc", s, denoiser, noise, 2, x, &err), &err);
        NoiseLevel level = s->grid.level[0];
        for (int image = 0; image < 2; image++) {
            double *y = want + image * WIDE;
            noise.normals(noise.context, image, 0, WIDE, y);
            for (int i = 0; i < WIDE; i++) y[i] *= process_prior_std(&s->process);
            for (int k = 0; k < 2; k++) {
                noise.normals(noise.context, image, (uint64_t)k + 1, WIDE, z[k]);
                double score[WIDE], scores = 0, draws = 0;
                for (int i = 0; i < WIDE; i++) {
                    score[i] = -(0.3 * y[i] - 0.2) / level.sigma;
                    scores += score[i] * score[i];
                    draws += z[k][i] * z[k][i];
                }
                /* The next level is clean: 1 - beta = (alpha_t / 1)^2. */
                double e = 2 * level.alpha * level.alpha * 0.09 * draws / scores;
                for (int i = 0; i < WIDE; i++)
                    y[i] += e * score[i] + (k == 0 ? sqrt(2 * e) * z[k][i] : 0);
            }
        }
        for (int i = 0; i < 2 * WIDE; i++) EXPECT_NEAR(x[i], want[i], 1e-9 * (1 + fabs(want[i])));
    }
}

TEST(corrector_stands_still_where_the_score_is_zero)
{
    Case *s = case_of(&every_process[PROCESS_VE], SPACING_EVEN, 5);
    SeedNoise seeds = {3};
    NoiseSource noise = seed_noise(&seeds);
    Denoiser denoiser = {.context = s, .dims = WIDE, .predict = bent_predict};
    double x[WIDE], start[WIDE];
    s->run.config.predictor = PREDICTOR_NONE;
    Err err = {0};
    must(sample("pc", s, denoiser, noise, 1, x, &err), &err);
    noise.normals(noise.context, 0, 0, WIDE, start);
    for (int i = 0; i < WIDE; i++) EXPECT_NEAR(x[i], 50 * start[i], 1e-12 * 50);
}

/* Of few values the step does not depend on them, so the sampler is affine again. */
TEST(corrector_of_few_values_takes_the_expected_norms)
{
    for (int kind = 0; kind < PROCESSES; kind++) {
        Case *s = case_of(&every_process[kind], SPACING_EVEN, 2);
        const NoiseLevel *level = s->grid.level;
        double prior = process_prior_std(&s->process), variance = prior * prior;
        s->run.config.predictor = PREDICTOR_NONE;
        for (int i = 0; i < 2; i++) {
            double r = level[i].alpha / level[i + 1].alpha, noise = level[i].sigma;
            double v = level[i].alpha * level[i].alpha * 0.0625 + noise * noise;
            double e = 2 * r * r * 0.16 * 0.16 * noise * noise;
            variance = (1 - e / v) * (1 - e / v) * variance + (i == 0 ? 2 * e : 0);
        }
        Moments m = moments_of("pc", s, 2, prior * prior, 0.5, 0.0625);
        EXPECT_NEAR(m.variance, variance, 1e-9 * variance);
    }
}

/* ---- two modes far apart ---- */

static const double far_means[4] = {5, 5, -5, -5};
static const double far_stds[2] = {1, 1};
static const MixtureData far_modes = {
    .dims = 2, .modes = 2, .weights = mode_weights, .means = far_means, .stds = far_stds};

/* The start is uniform on [-8, 8]; the rest are normals. */
static void uniform_start(void *context, int image, uint64_t draw, size_t dims, double *z)
{
    const double *prior = context;
    uint64_t seed = 77 + (uint64_t)image;
    if (draw > 0) rng_normals(z, dims, seed, rng_stream(RNG_SAMPLE, draw), 0);
    for (size_t i = 0; i < dims && draw == 0; i++)
        z[i] = (16 * rng_uniform(seed, rng_stream(RNG_TEST, 0), i) - 8) / *prior;
}

enum { POINTS = 2500 };

/* The share of points at the heavier mode: ten levels from 10 to 0.1, 100 steps at each (Song &
 * Ermon 2019, section 3.2), against 1000 steps at 0.1. */
static double heavier_share(const char *name)
{
    static double x[2 * POINTS];
    const NoiseConfig config = {
        .kind = PROCESS_SMLD, .levels = 10, .sigma_min = 0.1, .sigma_max = 10};
    Case *s = case_new(&config);
    Err err = {0};
    s->run.config.langevin_steps = 100;
    s->run.config.langevin_step = 0.2 * 0.1 * 0.1;
    must(sampler_grid(sampler_find(name), &s->run, SPACING_AUTO, 0, &s->grid, &err), &err);
    double prior = 10;
    NoiseSource noise = {.context = &prior, .normals = uniform_start};
    must(sample(name, s, mixture_denoiser(&far_modes), noise, POINTS, x, &err), &err);
    EXPECT(s->run.network_calls >= 1000 && s->run.network_calls <= 1001);
    int heavier = 0;
    for (int i = 0; i < POINTS; i++) heavier += x[2 * i] + x[2 * i + 1] > 0;
    return (double)heavier / POINTS;
}

TEST(annealed_langevin_gets_the_weights_of_two_modes_right)
{
    EXPECT_NEAR(heavier_share("langevin"), 0.8, 5 * sqrt(0.8 * 0.2 / POINTS)); /* 5 sigma */
}

TEST(plain_langevin_gets_the_weights_of_two_modes_wrong)
{
    EXPECT_NEAR(heavier_share("plain-langevin"), 0.5, 5 * sqrt(0.5 * 0.5 / POINTS));
}
