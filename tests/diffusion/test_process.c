/* Noise processes against the closed forms of the SDEs (Song et al. 2021, appendix B) and their
 * published constants; grids of levels. */

#include "diffusion/mask.h"
#include "processes.h"
#include "test.h"

TEST(constants_of_the_sdes_are_the_published_ones)
{
    Process vp = process_of(&every_process[PROCESS_VP]),
            sub = process_of(&every_process[PROCESS_SUBVP]),
            ve = process_of(&every_process[PROCESS_VE]);
    EXPECT_NEAR(process_level(&vp, 1).alpha, 0.0065715865, 1e-9);
    EXPECT_NEAR(process_level(&vp, 1).sigma, 0.99997841, 1e-8);
    EXPECT_NEAR(process_level(&vp, 1e-3).sigma, 0.010485416, 1e-9);
    EXPECT_NEAR(process_level(&vp, 1e-5).sigma, 1.0004971e-3, 1e-10);
    EXPECT_NEAR(process_level(&sub, 1e-3).sigma, 1.0994396e-4, 1e-11);
    EXPECT_NEAR(exp(-level_logsnr(process_level(&vp, 1))), 152.16697, 1e-4);
    EXPECT_NEAR(process_level(&ve, 1).sigma, 50, 1e-12);
    EXPECT_NEAR(process_level(&ve, 0).sigma, 0.01, 1e-15);
    EXPECT_NEAR(process_level(&vp, 0.5).t, 0.5, 1e-12);
    EXPECT_NEAR(process_level(&ve, 0.5).t, sqrt(0.5), 1e-12);
    EXPECT_NEAR(process_prior_std(&ve), 50, 0);
    EXPECT_NEAR(process_prior_std(&vp), 1, 0);
}

TEST(a_chain_of_kept_steps_is_a_ddpm_of_its_own)
{
    static unsigned char m[1000], none[1000];
    m[3] = m[40] = m[500] = m[999] = 1;
    static const int kept[] = {3, 40, 500, 999};
    for (MaskAlphas kind = ALPHAS_MERGED; kind <= ALPHAS_RESCALED; kind++) {
        Process *p = process_new(&every_process[PROCESS_DDPM]);
        Process whole = process_of(&every_process[PROCESS_DDPM]);
        double alpha_bar[1000];
        Err err = {0};
        EXPECT_FAILS(process_keep(p, kind, none, &err), err, "of 1000 steps none is kept");
        EXPECT(process_keep(p, kind, m, &err));
        EXPECT_INT(p->T, 4);
        mask_alpha_bar(alpha_bar, kind, &whole.schedule, m);
        EXPECT(process_level(p, -1).sigma == 0 && process_level(p, -1).t == 3);
        for (int k = 0; k < 4; k++) {
            NoiseLevel level = process_level(p, k);
            EXPECT_NEAR(level.alpha, sqrt(alpha_bar[kept[k]]), 1e-12);
            EXPECT_NEAR(level.sigma, sqrt(1 - alpha_bar[kept[k]]), 1e-12);
            EXPECT(level.t == kept[k] && level.time == k);
            EXPECT_NEAR(process_time_of_logsnr(p, level_logsnr(level)), k, 1e-9);
        }
        EXPECT_NEAR(process_level(p, 1.5).t, 270, 1e-9);
    }
}

TEST(ddpm_has_its_trained_levels_at_whole_times_and_the_clean_image_before_them)
{
    Process p = process_of(&every_process[PROCESS_DDPM]);
    for (int t = -1; t < 1000; t++) {
        NoiseLevel a = process_level(&p, t), b = schedule_level(&p.schedule, t);
        if (!EXPECT(a.alpha == b.alpha && a.sigma == b.sigma && a.time == t)) break;
        if (t >= 0 && !EXPECT(a.t == t)) break;
    }
    EXPECT_NEAR(process_level(&p, -1).sigma, 0, 0);
    /* Between them ln alpha is a straight line. */
    double middle = log(process_level(&p, 400.5).alpha);
    double ends = log(process_level(&p, 400).alpha) + log(process_level(&p, 401).alpha);
    EXPECT_NEAR(middle, ends / 2, 1e-14);
}

TEST(time_is_found_from_the_signal_to_noise_ratio)
{
    for (int k = 0; k < PROCESSES; k++) {
        Process p = process_of(&every_process[(ProcessKind)k]);
        double end = process_time_end(&p), noisy = process_time_noisy(&p);
        for (int i = 0; i <= 50; i++) {
            double time = end + (noisy - end) * i / 50;
            double found = process_time_of_logsnr(&p, level_logsnr(process_level(&p, time)));
            EXPECT_NEAR(found, time, 1e-9 * noisy);
        }
        EXPECT_NEAR(process_time_of_logsnr(&p, 300), end, 0);
        EXPECT_NEAR(process_time_of_logsnr(&p, -300), noisy, 0);
    }
}

/* d alpha/dt = f alpha and d sigma^2/dt = 2 f sigma^2 + g^2, by central differences. */
TEST(a_constant_beta_is_a_process_as_well)
{
    NoiseConfig config = {.kind = PROCESS_VP, .beta_min = 5, .beta_max = 5, .time_min = 1e-5};
    Process p = process_of(&config);
    NoiseLevel level = process_level(&p, 0.4);
    EXPECT_NEAR(level.alpha, exp(-1), 1e-15); /* exp(-beta t / 2) */
    EXPECT_NEAR(process_time_of_logsnr(&p, level_logsnr(level)), 0.4, 1e-12);
    EXPECT_NEAR(process_drift(&p, 0.4).g2, 5, 1e-15);
}

TEST(drift_and_diffusion_are_the_derivatives_of_the_marginals)
{
    for (int k = 0; k < PROCESSES; k++) {
        Process p = process_of(&every_process[(ProcessKind)k]);
        double end = process_time_end(&p), noisy = process_time_noisy(&p);
        for (int i = 1; i < 20; i++) {
            double time = end + (noisy - end) * i / 20, h = 1e-6 * noisy;
            NoiseLevel low = process_level(&p, time - h), high = process_level(&p, time + h);
            NoiseLevel here = process_level(&p, time);
            Drift d = process_drift(&p, time);
            double rate = (high.alpha - low.alpha) / (2 * h);
            double spread = (high.sigma * high.sigma - low.sigma * low.sigma) / (2 * h);
            double want = 2 * d.f * here.sigma * here.sigma + d.g2;
            EXPECT_NEAR(d.f * here.alpha, rate, 1e-6 * (fabs(rate) + 1e-6));
            EXPECT_NEAR(want, spread, 1e-5 * (fabs(spread) + 1e-6));
        }
    }
}

TEST(grids_fall_from_the_noisiest_to_the_cleanest_level_and_end_clean)
{
    for (int k = 0; k < PROCESSES; k++) {
        Process p = process_of(&every_process[(ProcessKind)k]);
        for (SpacingKind spacing = SPACING_EVEN; spacing <= SPACING_KARRAS; spacing++) {
            for (int n = 1; n <= 100; n = n < 3 ? n + 1 : n * 3) {
                LevelGrid g;
                Err err = {0};
                if (!EXPECT(level_grid_make(&g, &p, spacing, n, &err))) continue;
                EXPECT_INT(g.n, n);
                for (int i = 0; i < n; i++) {
                    if (!EXPECT(g.level[i].time > g.level[i + 1].time)) break;
                    if (!EXPECT(g.level[i].sigma > g.level[i + 1].sigma)) break;
                }
                EXPECT(g.level[n].alpha == 1 && g.level[n].sigma == 0);
                if (spacing != SPACING_LEADING) {
                    EXPECT_NEAR(g.level[0].time, process_time_noisy(&p), 0);
                    if (n > 1 && spacing != SPACING_TRAILING)
                        EXPECT_NEAR(g.level[n - 1].time, process_time_end(&p), 0);
                }
                level_grid_free(&g);
            }
        }
    }
}

TEST(karras_and_logsnr_grids_are_even_in_their_own_scale)
{
    Process p = process_of(&every_process[PROCESS_VE]);
    LevelGrid g;
    if (!EXPECT(level_grid_make(&g, &p, SPACING_KARRAS, 9, NULL))) return;
    for (int i = 1; i < 8; i++) {
        double a = pow(g.level[i - 1].sigma, 1.0 / 7), b = pow(g.level[i].sigma, 1.0 / 7),
               c = pow(g.level[i + 1].sigma, 1.0 / 7);
        EXPECT_NEAR(a - b, b - c, 1e-4);
    }
    level_grid_free(&g);
    if (!EXPECT(level_grid_make(&g, &p, SPACING_LOGSNR, 9, NULL))) return;
    for (int i = 1; i < 8; i++)
        EXPECT_NEAR(log(g.level[i - 1].sigma / g.level[i].sigma),
                    log(g.level[i].sigma / g.level[i + 1].sigma), 1e-9);
    level_grid_free(&g);
}

/* A chain that ends in nothing but noise loses no levels there; one that does not begins at its end, and so does
 * exploding noise of any size. */
TEST(grids_in_logsnr_begin_where_there_is_something_to_see)
{
    static const SpacingKind spacings[] = {SPACING_LOGSNR, SPACING_KARRAS};
    NoiseConfig cosine = {.kind = PROCESS_DDPM, .T = 1000, .schedule = SCHEDULE_COSINE};
    NoiseConfig linear = {.kind = PROCESS_DDPM, .T = 1000, .beta_start = 1e-4, .beta_end = 0.02};
    NoiseConfig ve = {.kind = PROCESS_VE, .sigma_min = 0.01, .sigma_max = 1348, .time_min = 1e-5};
    for (int k = 0; k < 2; k++) {
        Process of_cosine = process_of(&cosine), of_linear = process_of(&linear);
        Process of_ve = process_of(&ve);
        LevelGrid g[3];
        EXPECT(level_grid_make(&g[0], &of_cosine, spacings[k], 20, NULL));
        EXPECT(level_grid_make(&g[1], &of_linear, spacings[k], 20, NULL));
        EXPECT(level_grid_make(&g[2], &of_ve, spacings[k], 20, NULL));
        EXPECT(g[0].level[0].time < 999);
        EXPECT_NEAR(g[0].level[0].sigma / g[0].level[0].alpha, 160, 1e-6);
        EXPECT(g[1].level[0].time == 999);
        EXPECT_NEAR(g[2].level[0].sigma, 1348, 1e-9);
        for (int i = 0; i < 3; i++) level_grid_free(&g[i]);
    }
}

/* s = sigma / alpha of a grid's levels. */
static void expect_noise(const NoiseConfig *config, SpacingKind spacing, int n, const double *s,
                         double relative)
{
    Process p = process_of(config);
    LevelGrid g = {0};
    Err err = {0};
    if (EXPECT(level_grid_make(&g, &p, spacing, n, &err)))
        for (int i = 0; i < n; i++)
            EXPECT_NEAR(g.level[i].sigma / g.level[i].alpha, s[i], relative * s[i]);
    level_grid_free(&g);
}

/* Karras et al. 2022, table 1 for CIFAR-10, and diffusers' EDM, VE and DPM-Solver schedulers. */
TEST(grids_are_those_of_published_schedulers)
{
    NoiseConfig edm = {.kind = PROCESS_VE, .sigma_min = 0.002, .sigma_max = 80, .time_min = 1e-12};
    static const double edm_18[] = {80,      57.58598, 40.78557, 28.37458, 19.35245, 12.91008,
                                    8.40094, 5.31519,  3.25682,  1.92334,  1.08817,  0.58535,
                                    0.29644, 0.13952,  0.05995,  0.02293,  0.00753,  0.002};
    static const double edm_5[] = {80, 17.527832, 2.515219, 0.1697528, 0.002};
    expect_noise(&edm, SPACING_KARRAS, 18, edm_18, 7e-4);
    expect_noise(&edm, SPACING_KARRAS, 5, edm_5, 3e-7);

    NoiseConfig ve = {.kind = PROCESS_VE, .sigma_min = 0.01, .sigma_max = 1348, .time_min = 1e-5};
    static const double ve_5[] = {1348, 70.352615, 3.671729, 0.191629, 0.0100012};
    expect_noise(&ve, SPACING_UNIFORM, 5, ve_5, 3e-6);

    NoiseConfig smld = {.kind = PROCESS_SMLD, .levels = 5, .sigma_min = 0.01, .sigma_max = 1348};
    static const double ladder[] = {1348, 70.350540, 3.6715114, 0.1916118, 0.01};
    expect_noise(&smld, SPACING_EVEN, 5, ladder, 6e-7);

    static const double karras_10[] = {157.407, 85.7107, 44.0476,  21.1056,   9.27474,
                                       3.65264, 1.24636, 0.349706, 0.0739303, 0.0100013};
    static const int steps[] = {999, 937, 864, 775, 663, 511, 301, 102, 18, 0};
    expect_noise(&every_process[PROCESS_DDPM], SPACING_KARRAS, 10, karras_10,
                 1e-4); /* of float tables */
    Process p = process_of(&every_process[PROCESS_DDPM]);
    LevelGrid g = {0};
    if (EXPECT(level_grid_make(&g, &p, SPACING_KARRAS, 10, NULL)))
        for (int i = 0; i < 10; i++) EXPECT_INT(rint(g.level[i].time), steps[i]);
    level_grid_free(&g);
}

TEST(wrong_processes_are_refused_by_name)
{
    static const struct {
        NoiseConfig config;
        const char *word;
    } rows[] = {
        {{.kind = PROCESS_SMLD, .levels = 1, .sigma_min = 0.01, .sigma_max = 1}, "noise levels"},
        {{.kind = PROCESS_SMLD, .levels = 9, .sigma_min = 0, .sigma_max = 1}, "sigma_min"},
        {{.kind = PROCESS_VE, .sigma_min = 2, .sigma_max = 1, .time_min = 1e-5}, "sigma_max"},
        {{.kind = PROCESS_VE, .sigma_min = 0.1, .sigma_max = (double)INFINITY, .time_min = 1e-5},
         "sigma_max"},
        {{.kind = PROCESS_VP, .beta_min = 20, .beta_max = 1, .time_min = 1e-5}, "beta_min"},
        {{.kind = PROCESS_SUBVP, .beta_min = 0.1, .beta_max = 20, .time_min = 0}, "time_min"},
        {{.kind = PROCESS_VP, .beta_min = 0.1, .beta_max = 20, .time_min = (double)NAN},
         "time_min"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        Process p;
        Err err = {0};
        EXPECT_REFUSED(process_make(&p, &rows[i].config, &err), err, ERR_USAGE, rows[i].word);
    }
}
