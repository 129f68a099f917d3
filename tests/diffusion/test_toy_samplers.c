/* Samplers on toys whose exact denoiser is known: what is drawn is the distribution itself, in
 * weights, places, widths and shape. */

#include "data/toy.h"
#include "diffusion/sampler.h"
#include "exact_denoiser.h"
#include "sample_defaults.h"
#include "test.h"

enum { D = TOY_DIMS };

typedef struct {
    ToyMixture mixture;
    MixtureData data;
    Process process;
    SampleRun run;
} Toy;

static void toy_open(Toy *t, ToyKind kind, NoiseConfig config)
{
    Err err = {0};
    if (!EXPECT(toy_mixture(kind, &t->mixture) && process_make(&t->process, &config, &err)))
        exit(1);
    const ToyMixture *m = &t->mixture;
    t->data = (MixtureData){D, m->modes, m->weights, m->means, m->stds};
    sample_run_defaults(&t->run);
    t->run.process = &t->process;
    t->run.config.clip = false;
}

/* x[count, D] */
static void toy_sample(Toy *t, const char *name, int calls, int count, double *x)
{
    const Sampler *sampler = sampler_find(name);
    LevelGrid grid;
    Err err = {0};
    if (!EXPECT(sampler_grid(sampler, &t->run, SPACING_AUTO, calls, &grid, &err))) exit(1);
    t->run.grid = &grid;
    double *scratch = malloc(SAMPLER_SCRATCH * D * (size_t)count * sizeof *scratch);
    SeedNoise seeds = {.first_seed = 100};
    NoiseSource noise = seed_noise(&seeds);
    Denoiser exact = mixture_denoiser(&t->data);
    if (!EXPECT(sampler_run(sampler, &t->run, &exact, &noise, count, x, scratch, &err)))
        printf("  %s: %s\n", name, err.text);
    free(scratch);
    level_grid_free(&grid);
}

static NoiseConfig smld_config(double sigma_max)
{
    return (NoiseConfig){
        .kind = PROCESS_SMLD, .levels = 10, .sigma_min = 0.1, .sigma_max = sigma_max};
}

/* ---- two modes ---- */

static double share_of_first_mode(const double *x, int count)
{
    double share = 0;
    for (int k = 0; k < count; k++) share += (x[D * k] + x[D * k + 1] > 0) / (double)count;
    return share;
}

/* Ten levels from 10 to 0.1 with 100 steps each (Song & Ermon 2019, 4.3), at a fifth of a level's
 * variance a step. */
TEST(annealed_langevin_finds_the_weights_of_two_modes_and_plain_langevin_does_not)
{
    enum { COUNT = 2000 };
    double *x = malloc(D * COUNT * sizeof *x), error = sqrt(0.16 / COUNT);
    Toy t;
    toy_open(&t, TOY_TWO_MODES, smld_config(10));
    t.run.config.langevin_steps = 100;
    t.run.config.langevin_step = 0.2 * 0.1 * 0.1;
    toy_sample(&t, "langevin", 0, COUNT, x);
    EXPECT_NEAR(share_of_first_mode(x, COUNT), 0.8, 5 * error);
    double square = 0;
    for (int k = 0; k < COUNT; k++) {
        double centre = x[D * k] + x[D * k + 1] > 0 ? 5 : -5;
        square += pow(x[D * k] - centre, 2) + pow(x[D * k + 1] - centre, 2);
    }
    EXPECT_NEAR(square / (D * COUNT), 1, 0.1);

    /* As many steps at the smallest level, of a size that crosses a mode many times. Where a point
     * starts decides where it ends, and half of the start is on each side. */
    t.run.config.langevin_step = 0.05;
    toy_sample(&t, "plain-langevin", 1001, COUNT, x);
    EXPECT_NEAR(share_of_first_mode(x, COUNT), 0.5, 5 * 0.5 / sqrt(COUNT));
    free(x);
}

/* Not those of SMLD and VE: their start has mean 0, the noisy data (3, 3), and what a deterministic
 * sampler makes of that is 0.76 instead of 0.8 at sigma_max 40. */
TEST(samplers_of_variance_preserving_processes_find_the_weights_of_two_modes)
{
    enum { COUNT = 2000 };
    static const struct {
        const char *name;
        int calls;
    } rows[] = {{"reverse-sde", 300}, {"ode", 0}, {"heun", 60}, {"dpm++2m", 60}, {"unipc", 60}};
    double *x = malloc(D * COUNT * sizeof *x), error = sqrt(0.16 / COUNT);
    NoiseConfig config = {.kind = PROCESS_VP, .beta_min = 0.1, .beta_max = 20, .time_min = 1e-5};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        Toy t;
        toy_open(&t, TOY_TWO_MODES, config);
        toy_sample(&t, rows[i].name, rows[i].calls, COUNT, x);
        if (!EXPECT_NEAR(share_of_first_mode(x, COUNT), 0.8, 5 * error))
            printf("  %s\n", rows[i].name);
    }
    free(x);
}

/* ---- ring ---- */

static double mean_distance(const double *a, int n, const double *b, int m, bool same)
{
    double sum = 0;
#pragma omp parallel for reduction(+ : sum)
    for (int i = 0; i < n; i++)
        for (int j = 0; j < m; j++)
            sum += sqrt(pow(a[D * i] - b[D * j], 2) + pow(a[D * i + 1] - b[D * j + 1], 2));
    return sum / ((double)n * (same ? m - 1 : m));
}

/* 2 E|X-Y| - E|X-X'| - E|Y-Y'|, without bias: 0 in expectation when both have one distribution. */
static double energy_distance(const double *a, int n, const double *b, int m)
{
    return 2 * mean_distance(a, n, b, m, false) - mean_distance(a, n, a, n, true) -
           mean_distance(b, m, b, m, true);
}

static void direct_points(ToyKind kind, uint64_t first, int count, double *x)
{
    float xy[D];
    for (int k = 0; k < count; k++) {
        toy_point(kind, 9, false, first + (uint64_t)k, xy);
        for (int d = 0; d < D; d++) x[D * k + d] = (double)xy[d];
    }
}

/* Every point is within 5 standard deviations of a mode, every mode has its eighth of the points
 * (5 sigma of Monte Carlo), mean and covariance are those of the ring (5 sigma). */
static bool expect_ring(const double *x, int count)
{
    ToyMixture m;
    toy_mixture(TOY_RING, &m);
    int found[TOY_MODES] = {0}, stray = 0;
    double mean[D] = {0}, product[3] = {0};
    for (int k = 0; k < count; k++) {
        int nearest = 0;
        double least = HUGE_VAL;
        for (int i = 0; i < m.modes; i++) {
            double distance = hypot(x[D * k] - m.means[D * i], x[D * k + 1] - m.means[D * i + 1]);
            if (distance < least) least = distance, nearest = i;
        }
        found[nearest]++;
        stray += least > 5 * m.stds[0];
        for (int d = 0; d < D; d++) mean[d] += x[D * k + d] / count;
        product[0] += x[D * k] * x[D * k] / count;
        product[1] += x[D * k + 1] * x[D * k + 1] / count;
        product[2] += x[D * k] * x[D * k + 1] / count;
    }
    bool ok = EXPECT(stray <= count / 500);
    for (int i = 0; i < TOY_MODES; i++)
        ok &= EXPECT_NEAR(found[i], count / 8.0, 5 * sqrt(count * 7 / 64.0));
    double variance = 2 + m.stds[0] * m.stds[0], error = 1 / sqrt(count);
    for (int d = 0; d < D; d++) {
        ok &= EXPECT_NEAR(mean[d], 0, 5 * sqrt(variance) * error);
        ok &= EXPECT_NEAR(product[d], variance, 5 * 1.5 * error);
    }
    return ok & EXPECT_NEAR(product[2], 0, 5 * 1.5 * error);
}

/* The energy distance between two draws of 2,000 points of the ring has a standard deviation of 0.0014
 * (measured), so 0.007 is 5 sigma; a ring that is 8 % too wide is twice as far away. */
TEST(samplers_draw_the_ring_of_eight_modes)
{
    enum { COUNT = 2000 };
    static const NoiseConfig configs[] = {
        {.kind = PROCESS_DDPM,
         .T = 1000,
         .schedule = SCHEDULE_LINEAR,
         .beta_start = 1e-4,
         .beta_end = 0.02},
        {.kind = PROCESS_VP, .beta_min = 0.1, .beta_max = 20, .time_min = 1e-5},
        {.kind = PROCESS_SUBVP, .beta_min = 0.1, .beta_max = 20, .time_min = 1e-5},
        {.kind = PROCESS_VE, .sigma_min = 0.01, .sigma_max = 10, .time_min = 1e-5},
    };
    static const struct {
        const char *sampler;
        int process, calls;
    } rows[] = {{"ddpm", 0, 200}, {"ddim", 0, 100},        {"heun", 0, 40}, {"dpm++2m", 0, 40},
                {"unipc", 1, 40}, {"reverse-sde", 1, 200}, {"ode", 1, 0},   {"reverse-sde", 2, 200},
                {"ode", 2, 0},    {"pc", 3, 200},          {"heun", 3, 60}};
    double *x = malloc(D * COUNT * sizeof *x), *y = malloc(D * COUNT * sizeof *y);
    direct_points(TOY_RING, 0, COUNT, y);
    direct_points(TOY_RING, COUNT, COUNT, x);
    EXPECT(expect_ring(x, COUNT));
    EXPECT_NEAR(energy_distance(x, COUNT, y, COUNT), 0, 0.007);
    for (int i = 0; i < 2 * COUNT; i++) x[i] *= 1.08;
    EXPECT(energy_distance(x, COUNT, y, COUNT) > 0.007);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        Toy t;
        toy_open(&t, TOY_RING, configs[rows[i].process]);
        toy_sample(&t, rows[i].sampler, rows[i].calls, COUNT, x);
        double energy = energy_distance(x, COUNT, y, COUNT);
        bool ok = expect_ring(x, COUNT);
        if (!(EXPECT_NEAR(energy, 0, 0.007) && ok))
            printf("  %s, process %d\n", rows[i].sampler, rows[i].process);
        process_free(&t.process);
    }
    free(x);
    free(y);
}

/* ---- what a progress bar is told ---- */

TEST(samplers_know_from_the_start_how_often_they_call_the_network)
{
    double x[D * 2];
    for (const Sampler *s = samplers; s->name; s++) {
        Toy t;
        toy_open(&t, TOY_TWO_MODES, smld_config(10));
        toy_sample(&t, s->name, 0, 2, x);
        bool known = !(s->reads & SAMPLE_ODE);
        EXPECT_INT(t.run.expected_calls, known ? t.run.network_calls : 0);
    }
}
