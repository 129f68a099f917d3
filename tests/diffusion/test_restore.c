/* Restoring by the guided denoiser, and what every restored image keeps to. */
#include "base/rng.h"
#include "correlated_data.h"

/* ---- the guided denoiser itself ---- */

/* x = M^-1 b by Gauss's elimination; M is positive definite. */
static void solve(double M[DIMS][DIMS], double *b)
{
    for (int k = 0; k < DIMS; k++)
        for (int i = k + 1; i < DIMS; i++) {
            double f = M[i][k] / M[k][k];
            for (int j = k; j < DIMS; j++) M[i][j] -= f * M[k][j];
            b[i] -= f * b[k];
        }
    for (int k = DIMS - 1; k >= 0; k--) {
        for (int j = k + 1; j < DIMS; j++) b[k] -= M[k][j] * b[j];
        b[k] /= M[k][k];
    }
}

/* On isotropic data the corrected noise is, at every x and level, that of the exact denoiser of the conditional
 * Gaussian: sigma (alpha^2 C + sigma^2 I)^-1 (x - alpha mean). */
TEST(the_guided_noise_is_that_of_the_conditional_gaussian)
{
    static const OperatorKind kinds[] = {OPERATOR_MASK, OPERATOR_BLOCK_MEAN, OPERATOR_COLOUR_MEAN,
                                         OPERATOR_IDENTITY};
    Correlated data = data_of(MEAN, SPREAD, 0);
    Denoiser plain = correlated_denoiser(&data), guided;
    for (int process = 0; process < PROCESSES; process++)
        for (int i = 0; i < 8; i++) {
            Restore r = known_by(kinds[i / 2], RESTORE_GRADIENT, i % 2 ? 0.3 : 0);
            Moments exact = conditional(&data, &r);
            Process p = process_of(&every_process[process]);
            Err err = {0};
            must(restore_begin(&r, "none", false, &plain, 1, &guided, &err), &err);
            for (int k = 1; k < 20; k++) {
                NoiseLevel level = process_level(&p, process_time_noisy(&p) * k / 20.0);
                double x[DIMS], eps[DIMS], want[DIMS], M[DIMS][DIMS];
                rng_normals(x, DIMS, 5, rng_stream(RNG_TEST, (uint64_t)k), 0);
                for (int a = 0; a < DIMS; a++) {
                    x[a] *= hypot(level.alpha, level.sigma);
                    want[a] = level.sigma * (x[a] - level.alpha * exact.mean[a]);
                    for (int b = 0; b < DIMS; b++)
                        M[a][b] = level.alpha * level.alpha * exact.covariance[a][b] +
                                  (a == b ? level.sigma * level.sigma : 0);
                }
                solve(M, want);
                must(guided.predict(guided.context, 1, x, &level, 0, eps, &err), &err);
                for (int a = 0; a < DIMS; a++)
                    EXPECT_NEAR(eps[a], want[a], 1e-9 * (1 + fabs(want[a])));
            }
            restore_end(&r);
        }
}

/* With a range the corrected image is the one without it, cut there. */
TEST(a_corrected_image_keeps_to_its_range)
{
    Correlated data = data_of(MEAN, SPREAD, 0);
    Denoiser plain = correlated_denoiser(&data), guided;
    double x[DIMS], x0[2][DIMS];
    Err err = {0};
    Process p = process_of(&every_process[PROCESS_VP]);
    NoiseLevel level = process_level(&p, 0.4);
    rng_normals(x, DIMS, 6, rng_stream(RNG_TEST, 0), 0);
    for (int bounded = 0; bounded < 2; bounded++) {
        Restore r = known_by(OPERATOR_MASK, RESTORE_GRADIENT, 0);
        r.range = bounded ? 0.35 : 0;
        must(restore_begin(&r, "none", false, &plain, 1, &guided, &err), &err);
        must(guided.predict(guided.context, 1, x, &level, 0, x0[bounded], &err), &err);
        for (int i = 0; i < DIMS; i++) x0[bounded][i] = x0_from_eps(level, x[i], x0[bounded][i]);
        restore_end(&r);
    }
    int cut = 0;
    for (int i = 0; i < DIMS; i++) {
        EXPECT_NEAR(x0[1][i], fmin(fmax(x0[0][i], -0.35), 0.35), 1e-12);
        cut += fabs(x0[0][i]) > 0.35;
    }
    EXPECT(cut > 0 && cut < DIMS);
}

/* ---- runs ---- */

/* What is known stays exactly so where it has no noise, whatever the walk has made of it. */
TEST(what_is_known_is_kept)
{
    static double x[3 * DIMS], known[DIMS];
    double missed[3];
    Correlated data = data_of(MEAN, SPREAD, 1);
    SeedNoise seeds = {.first_seed = 5};
    Err err = {0};
    for (int kind = 0; kind < OPERATOR_KINDS; kind++)
        for (int way = 0; way < 2; way++) {
            Restore r = known_by((OperatorKind)kind, (RestoreWay)way, 0);
            Case *c = case_new(&every_process[PROCESS_VP]);
            case_grid(c, "pc", 40);
            c->run.restore = &r;
            r.missed = missed;
            must(sample("pc", c, correlated_denoiser(&data), seed_noise(&seeds), 3, x, &err), &err);
            for (int image = 0; image < 3; image++) {
                operator_apply(&r.a, x + image * DIMS, known);
                for (size_t i = 0; i < operator_known(&r.a); i++)
                    EXPECT_NEAR(known[i], known_y[i], 1e-14);
            }
            double values = (double)operator_known(&r.a);
            for (int image = 0; image < 3; image++)
                EXPECT(missed[image] > 0 && missed[image] < values);
        }
}

TEST(an_image_depends_on_its_seed_alone)
{
    static double all[5 * DIMS], one[DIMS];
    Correlated data = data_of(MEAN, SPREAD, 1);
    Err err = {0};
    for (const Sampler *s = samplers; s->name; s++)
        for (int way = 0; way < 2; way++) {
            Restore r = known_by(OPERATOR_BLOCK_MEAN, (RestoreWay)way, 0.1);
            if (way == RESTORE_REPLACE && (s->reads & SAMPLE_ODE)) continue;
            Case *c = case_new(&every_process[PROCESS_VE]);
            case_grid(c, s->name, s->reads & SAMPLE_ODE ? 0 : 40);
            c->run.restore = &r;
            SeedNoise seeds = {.first_seed = 5};
            must(sample(s->name, c, correlated_denoiser(&data), seed_noise(&seeds), 5, all, &err),
                 &err);
            seeds.first_seed = 8;
            must(sample(s->name, c, correlated_denoiser(&data), seed_noise(&seeds), 1, one, &err),
                 &err);
            if (!EXPECT_SAME(one, all + 3 * DIMS, sizeof one)) printf("  %s\n", s->name);
        }
}

TEST(ways_that_cannot_be_gone_are_refused)
{
    static double x[DIMS];
    Correlated data = data_of(MEAN, SPREAD, 1);
    SeedNoise seeds = {.first_seed = 5};
    Err err = {0};
    Restore r = known_by(OPERATOR_MASK, RESTORE_REPLACE, 0);
    Case *c = case_new(&every_process[PROCESS_VP]);
    case_grid(c, "ode", 0);
    c->run.restore = &r;
    EXPECT_REFUSED(sample("ode", c, correlated_denoiser(&data), seed_noise(&seeds), 1, x, &err),
                   err, ERR_USAGE, "nothing can be replaced");
    r.way = RESTORE_GRADIENT;
    Denoiser blind = correlated_denoiser(&data);
    blind.predict_vjp = NULL;
    EXPECT_REFUSED(sample("ode", c, blind, seed_noise(&seeds), 1, x, &err), err, ERR_USAGE,
                   "differentiated by its input");
}
