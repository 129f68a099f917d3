/* Golden values are of two kinds: computed in double from the formulas (tolerance: the printed
 * digits), and the float32 tables of diffusers (tolerance: what float32 loses). */

#include "diffusion/noise_end.h"
#include "diffusion/process.h"
#include "diffusion/sampler.h"
#include "diffusion/schedule.h"
#include "processes.h"
#include "test.h"

static Schedule make(ScheduleKind kind, int T)
{
    return schedule_of(kind, T, 1e-4, 0.02, NULL);
}

static void expect_relative(double actual, double expected, double tolerance)
{
    EXPECT_NEAR(actual / expected, 1, tolerance);
}

/* KL(q(x_T | x0) || N(0, 1)) in bits. */
static double prior_kl_bits(double alpha_bar, double x0)
{
    return 0.5 * (alpha_bar * x0 * x0 - alpha_bar - log1p(-alpha_bar)) / log(2.0);
}

TEST(linear_schedule_has_its_known_constants)
{
    Schedule s = make(SCHEDULE_LINEAR, 1000);
    expect_relative(s.alpha_bar[0], 0.9999, 1e-15);
    expect_relative(s.alpha_bar[499], 0.078587243, 1e-8);
    expect_relative(s.alpha_bar[999], 4.0358298e-5, 2e-8);
    expect_relative(posterior_step(schedule_level(&s, 1), schedule_level(&s, 0)).variance_small,
                    5.45318766e-5, 2e-9);
    expect_relative(prior_kl_bits(s.alpha_bar[999], 1), 2.9113e-5, 2e-5);
    expect_relative(prior_kl_bits(s.alpha_bar[999], 0), 5.9e-10, 1e-2);
    EXPECT_NEAR(schedule_alpha_bar(&s, -1), 1, 0);
}

/* Both ends: 1 - alpha_bar is 1.7e-6 at the first step, alpha_bar 3.4e-4 at the last. */
TEST(the_signal_of_an_even_schedule_falls_evenly_to_nine_digits)
{
    enum { T = 1000 };
    double betas[T], start = 13.3, end = -8;
    schedule_logsnr_betas(betas, T, start, end);
    Schedule s = schedule_of(SCHEDULE_BETAS, T, 0, 0, betas);
    expect_relative(s.beta[0], 1 / (1 + exp(13.3)), 1e-14);
    for (int t = 0; t < T; t++) {
        double lambda = start + (end - start) * t / (T - 1);
        NoiseLevel level = schedule_level(&s, t);
        expect_relative(s.alpha_bar[t], 1 / (1 + exp(-lambda)), 1e-12);
        expect_relative(level.sigma * level.sigma, 1 / (1 + exp(lambda)), 1e-9);
        /* What a network of floats is given: x = alpha x0 + sigma eps of floats. */
        EXPECT((float)level.sigma > 0 && (float)level.alpha > 0);
    }
    schedule_logsnr_betas(betas, 1, 3, -3);
    expect_relative(betas[0], 1 / (1 + exp(3.0)), 1e-14);
}

/* Kingma et al. 2021, equation 13: with variance small the term of step t is
 * (exp(lambda_{t-1} - lambda_t) - 1) / 2 times the squared error of the noise, the same for all t. */
TEST(every_step_of_an_even_schedule_weighs_the_noise_the_same)
{
    enum { T = 100 };
    double betas[T], start = 10, end = -6, step = (start - end) / (T - 1);
    schedule_logsnr_betas(betas, T, start, end);
    Schedule s = schedule_of(SCHEDULE_BETAS, T, 0, 0, betas);
    for (int t = 1; t < T; t++) {
        NoiseLevel level = schedule_level(&s, t);
        PosteriorStep q = posterior_step(level, schedule_level(&s, t - 1));
        double distance = q.c_x0 * level.sigma / level.alpha; /* of an error 1 of the noise */
        expect_relative(0.5 * distance * distance / q.variance_small, 0.5 * expm1(step), 1e-9);
    }
}

TEST(cosine_schedule_has_its_known_constants)
{
    Schedule s = make(SCHEDULE_COSINE, 1000);
    expect_relative(s.beta[0], 4.128422e-5, 2e-7);
    expect_relative(s.beta[500], 3.155691e-3, 2e-7);
    expect_relative(s.beta[998], 0.7499994, 1e-7);
    EXPECT_NEAR(s.beta[999], 0.999, 0);
    expect_relative(s.alpha_bar[0], 0.99995872, 1e-8);
    expect_relative(s.alpha_bar[499], 0.49384359, 2e-8);
    expect_relative(s.alpha_bar[998], 2.428767e-6, 3e-7);
    expect_relative(s.alpha_bar[999], 2.428767e-9, 3e-7);
    s = make(SCHEDULE_COSINE, 4000);
    expect_relative(s.beta[0], 9.865819e-6, 1e-7);
    expect_relative(s.alpha_bar[1999], 0.49384359, 2e-8);
}

TEST(alpha_bar_agrees_with_the_float_tables_of_diffusers)
{
    /* Rounding all 1000 roots of beta to float32 adds up in scaled_linear; 1 - 0.999 in float32
     * keeps only four digits in the last cosine entry. */
    static const int t[6] = {0, 1, 100, 500, 998, 999};
    static const struct {
        ScheduleKind kind;
        double alpha_bar[6];
        double tolerance[2]; /* first four, last two */
    } rows[] = {
        {SCHEDULE_LINEAR,
         {0.99989998, 0.99978006, 0.89514136, 0.07779666, 4.1181946e-5, 4.0358307e-5},
         {3.5e-7, 3.5e-7}},
        {SCHEDULE_SCALED_LINEAR,
         {0.99989998, 0.99979734, 0.97117615, 0.33127463, 7.4837956e-4, 7.3341199e-4},
         {3.5e-7, 7e-7}},
        {SCHEDULE_COSINE,
         {0.99995869, 0.99991256, 0.97157562, 0.49228504, 2.4287663e-6, 2.428735e-9},
         {3.5e-7, 1.5e-5}},
    };
    for (int r = 0; r < 3; r++) {
        Schedule s = make(rows[r].kind, 1000);
        for (int i = 0; i < 6; i++) {
            expect_relative(s.alpha_bar[t[i]], rows[r].alpha_bar[i], rows[r].tolerance[i > 3]);
        }
    }
}

TEST(given_betas_are_used_as_they_are)
{
    static const double betas[3] = {0.1, 0.5, 0.2};
    Schedule s = schedule_of(SCHEDULE_BETAS, 3, 0, 0, betas);
    EXPECT_SAME(s.beta, betas, sizeof betas);
    EXPECT_NEAR(s.alpha_bar[2], 0.9 * 0.5 * 0.8, 1e-16);
    EXPECT_NEAR(schedule_level(&s, 1).alpha, sqrt(0.45), 1e-15);
    EXPECT_NEAR(schedule_level(&s, 1).sigma, sqrt(0.55), 1e-15);
    EXPECT_NEAR(schedule_level(&s, 1).t, 1, 0);
}

TEST(schedules_that_cannot_work_are_refused_with_the_value)
{
    static const double huge[] = {0.5, 1.0}, tiny[] = {0.5, 1e-18}, nan_beta[] = {(double)NAN};
    double strong[1000];
    for (int i = 0; i < 1000; i++) strong[i] = 0.999;
    static const struct {
        ScheduleKind kind;
        int T;
        double start, end;
        const char *words;
    } cases[] = {
        {SCHEDULE_LINEAR, 0, 1e-4, 0.02, "timesteps is 0"},
        {SCHEDULE_LINEAR, 10, 0, 0.02, "from 0 to 0.02"},
        {SCHEDULE_LINEAR, 10, 0.03, 0.02, "from 0.03 to 0.02"},
        {SCHEDULE_SCALED_LINEAR, 10, 1e-4, 1, "from 0.0001 to 1"},
        {SCHEDULE_SCALED_LINEAR, 10, (double)NAN, 0.02, "nan"},
    };
    Schedule s;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Err err = {0};
        EXPECT_REFUSED(
            schedule_make(&s, cases[i].kind, cases[i].T, cases[i].start, cases[i].end, NULL, &err),
            err, ERR_USAGE, cases[i].words);
        EXPECT(!s.beta && !s.alpha_bar);
    }
    Err err = {0};
    EXPECT_FAILS(schedule_make(&s, SCHEDULE_BETAS, 2, 0, 0, huge, &err), err, "timestep 1 is 1;");
    EXPECT_FAILS(schedule_make(&s, SCHEDULE_BETAS, 2, 0, 0, tiny, &err), err, "1e-18");
    EXPECT_FAILS(schedule_make(&s, SCHEDULE_BETAS, 1, 0, 0, nan_beta, &err), err, "nan");
    EXPECT_FAILS(schedule_make(&s, SCHEDULE_BETAS, 1000, 0, 0, strong, &err), err,
                 "alpha_bar vanishes at timestep 102");
    schedule_free(&s);
}

/* ---- step grids ---- */

static void expect_grid(SpacingKind kind, int n, const int *expected)
{
    LevelGrid g;
    Process p = chain_of(1000);
    EXPECT(level_grid_make(&g, &p, kind, n, NULL));
    EXPECT_INT(g.n, n);
    for (int i = 0; i < n; i++) EXPECT(g.level[i].time == expected[i]);
    level_grid_free(&g);
}

TEST(grids_visit_the_published_timesteps)
{
    expect_grid(SPACING_LEADING, 7, (const int[]){852, 710, 568, 426, 284, 142, 0});
    expect_grid(SPACING_TRAILING, 7, (const int[]){999, 856, 713, 570, 428, 285, 142});
    expect_grid(SPACING_EVEN, 7, (const int[]){999, 832, 666, 500, 333, 166, 0});
    expect_grid(SPACING_EVEN, 10, (const int[]){999, 888, 777, 666, 555, 444, 333, 222, 111, 0});
    expect_grid(SPACING_EVEN, 25,
                (const int[]){999, 957, 916, 874, 832, 791, 749, 708, 666, 624, 583, 541, 500,
                              458, 416, 375, 333, 291, 250, 208, 166, 125, 83,  42,  0});
    expect_grid(SPACING_QUADRATIC, 5, (const int[]){999, 562, 250, 62, 0});
}

TEST(one_step_starts_from_the_noisiest_timestep)
{
    expect_grid(SPACING_EVEN, 1, (const int[]){999});
    expect_grid(SPACING_TRAILING, 1, (const int[]){999});
    expect_grid(SPACING_QUADRATIC, 1, (const int[]){999});
}

TEST(grids_of_every_length_descend_strictly_within_range)
{
    static const int lengths[] = {1, 2, 3, 5, 10, 50, 97, 100, 1000};
    for (SpacingKind kind = SPACING_EVEN; kind <= SPACING_QUADRATIC; kind++) {
        for (size_t k = 0; k < sizeof lengths / sizeof *lengths; k++) {
            int T = lengths[k], bad = 0;
            Process p = chain_of(T);
            for (int n = 1; n <= T; n++) {
                LevelGrid g;
                if (!EXPECT(level_grid_make(&g, &p, kind, n, NULL))) return;
                const NoiseLevel *l = g.level;
                bad += g.n != n || l[0].time > T - 1 || l[n - 1].time < 0;
                for (int i = 0; i < n; i++) bad += l[i].time != rint(l[i].time);
                for (int i = 1; i < n; i++) bad += l[i].time >= l[i - 1].time;
                if (kind != SPACING_LEADING) bad += l[0].time != T - 1;
                if (kind != SPACING_TRAILING && n > 1) bad += l[n - 1].time != 0;
                level_grid_free(&g);
            }
            EXPECT_INT(bad, 0);
        }
    }
}

TEST(grids_longer_than_the_schedule_are_refused_with_its_length)
{
    LevelGrid g;
    Process p = chain_of(1000);
    Err err = {0};
    EXPECT_REFUSED(level_grid_make(&g, &p, SPACING_EVEN, 1001, &err), err, ERR_USAGE, "1001");
    EXPECT_CONTAINS(err.text, "1 to 1000");
    EXPECT(!level_grid_make(&g, &p, SPACING_LEADING, 0, &err));
    EXPECT(!g.level);
}

/* ---- steps ---- */

TEST(posterior_agrees_with_the_float_rows_of_diffusers)
{
    /* float32 computes beta as 1 - alpha_bar_t / alpha_bar_p: 6e-8 over beta is lost, and more in
     * 1 - alpha_bar where alpha_bar is near 1. */
    static const struct {
        int t;
        PosteriorStep step;
        double tolerance;
    } rows[] = {
        {999, {1.2835137e-4, 0.98994869, 0.019999964, 0.019999981}, 1e-6},
        {500, {0.0030580368, 0.99410439, 0.010051269, 0.010059893}, 1e-5},
        {1, {0.54523021, 0.45471528, 5.4534794e-5, 1.1992455e-4}, 3e-4},
    };
    Schedule s = make(SCHEDULE_LINEAR, 1000);
    for (int i = 0; i < 3; i++) {
        PosteriorStep q =
            posterior_step(schedule_level(&s, rows[i].t), schedule_level(&s, rows[i].t - 1));
        expect_relative(q.c_x0, rows[i].step.c_x0, rows[i].tolerance);
        expect_relative(q.c_x, rows[i].step.c_x, rows[i].tolerance);
        expect_relative(q.variance_small, rows[i].step.variance_small, rows[i].tolerance);
        expect_relative(q.variance_large, rows[i].step.variance_large, rows[i].tolerance);
        expect_relative(q.variance_large, s.beta[rows[i].t], 1e-11);
    }
}

TEST(posterior_variances_have_their_published_values)
{
    Schedule s = make(SCHEDULE_LINEAR, 1000);
    EXPECT_NEAR(posterior_step(schedule_level(&s, 487), schedule_level(&s, 486)).variance_small,
                0.00979, 5e-6);
    EXPECT_NEAR(posterior_step(schedule_level(&s, 999), schedule_level(&s, 998)).variance_small,
                0.02, 5e-6);
    EXPECT_NEAR(posterior_step(schedule_level(&s, 420), schedule_level(&s, 400)).variance_small,
                0.14771, 1e-5);
    EXPECT_NEAR(posterior_step(schedule_level(&s, 980), schedule_level(&s, 960)).variance_small,
                0.32460, 1e-5);
}

TEST(last_step_returns_x0_exactly)
{
    Schedule s = make(SCHEDULE_COSINE, 1000);
    for (int t = 0; t < 1000; t++) {
        PosteriorStep q = posterior_step(schedule_level(&s, t), schedule_level(&s, -1));
        EXPECT_NEAR(q.c_x0, 1, 0);
        EXPECT_NEAR(q.c_x, 0, 0);
        EXPECT_NEAR(q.variance_small, 0, 0);
    }
}

/* x_t drawn from q(x_t | x0) and one posterior step must give q(x_p | x0): mean and variance. */
TEST(posterior_steps_of_any_stride_keep_the_marginals)
{
    Schedule s = make(SCHEDULE_LINEAR, 1000);
    for (int t = 1; t < 1000; t += 37) {
        for (int p = 0; p < t; p += 29) {
            PosteriorStep q = posterior_step(schedule_level(&s, t), schedule_level(&s, p));
            NoiseLevel here = schedule_level(&s, t), next = schedule_level(&s, p);
            EXPECT_NEAR(q.c_x0 + q.c_x * here.alpha, next.alpha, 1e-12);
            EXPECT_NEAR(q.c_x * q.c_x * here.sigma * here.sigma + q.variance_small,
                        next.sigma * next.sigma, 1e-12);
        }
    }
}

/* The product of the schedule that is really made. */
static double made_alpha_bar(ScheduleKind kind, int T, double beta_start, double beta_end)
{
    Schedule s = schedule_of(kind, T, beta_start, beta_end, NULL);
    return schedule_alpha_bar(&s, T - 1);
}

TEST(the_beta_end_that_is_advised_brings_alpha_bar_down_to_that_of_ddpm)
{
    static const ScheduleKind kinds[] = {SCHEDULE_LINEAR, SCHEDULE_SCALED_LINEAR};
    static const int lengths[] = {2, 4, 10, 50, 100, 1000, 4000};
    EXPECT_NEAR(made_alpha_bar(SCHEDULE_LINEAR, 1000, 1e-4, 0.02), 4.0358e-5, 1e-9);
    EXPECT_NEAR(made_alpha_bar(SCHEDULE_LINEAR, 50, 1e-4, 0.02), 0.603, 5e-4);
    EXPECT_NEAR(noise_end_of_betas(SCHEDULE_LINEAR, 50, 50, 1e-4, 0.02), 0.603, 5e-4);
    EXPECT_NEAR(noise_end_beta_end(SCHEDULE_LINEAR, 50, 50, 1e-4), 0.354, 1e-12);
    for (int k = 0; k < 2; k++)
        for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
            int T = lengths[i];
            double end = noise_end_beta_end(kinds[k], T, T, 1e-4);
            double left = made_alpha_bar(kinds[k], T, 1e-4, end);
            EXPECT_NEAR(left, noise_end_of_betas(kinds[k], T, T, 1e-4, end), 1e-9 * left + 1e-15);
            EXPECT(left <= NOISE_END_USUAL);
            EXPECT(left > 0.5 * NOISE_END_USUAL || T == 4); /* 0.9999 is the first below 1 */
        }
    EXPECT(noise_end_beta_end(SCHEDULE_LINEAR, 1, 1, 1e-4) == 0); /* one step has beta_start */
}

TEST(the_ends_that_are_advised_for_other_processes_are_right)
{
    NoiseConfig vp = {
        .kind = PROCESS_VP, .beta_min = 0.1, .beta_max = noise_end_beta_max(0.1), .time_min = 1e-5};
    Process p = process_of(&vp);
    EXPECT_NEAR(vp.beta_max, 20.2, 1e-12);
    EXPECT(noise_end_alpha_bar(&p) <= NOISE_END_USUAL);
    EXPECT(noise_end_alpha_bar(&p) > 0.9 * NOISE_END_USUAL);
    double betas[100];
    schedule_logsnr_betas(betas, 100, 10, noise_end_logsnr());
    double end = 1;
    for (int t = 0; t < 100; t++) end *= 1 - betas[t];
    EXPECT(end <= NOISE_END_USUAL && end > 0.9 * NOISE_END_USUAL);
    for (int more = 0; more < 2; more++) { /* one step fewer is not enough */
        int T = noise_end_unif_steps() - 1 + more;
        EXPECT((made_alpha_bar(SCHEDULE_UNIF, T, 0, 0) <= NOISE_END_MOST) == more);
    }
}
