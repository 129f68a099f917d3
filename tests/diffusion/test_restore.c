/* Restoring Gaussian data, where what is drawn has a closed form. The denoisers are affine and so is every sampler
 * here, so each image is an affine function of the noise that it draws: an image for each number of that noise gives
 * the mean and the covariance of what is drawn exactly, without a statistic. */

#include "diffusion/restore.h"

#include "base/rng.h"
#include "solver_case.h"

enum { H = 2, W = 4, DIMS = H * W, MOST_INPUTS = 4096 };

/* ---- Gaussian data N(m, S), S = Q diag(lambda) Q^T ---- */

typedef struct {
    double mean, lambda[DIMS];
    double Q[DIMS][DIMS]; /* columns are eigenvectors */
} Correlated;

/* eps = sigma (alpha^2 S + sigma^2)^-1 (x - alpha m), whose Jacobian is symmetric. */
static void noise_of(const Correlated *c, NoiseLevel level, double mean, const double *x,
                     double *eps)
{
    double along[DIMS];
    for (int k = 0; k < DIMS; k++) {
        along[k] = 0;
        for (int i = 0; i < DIMS; i++) along[k] += c->Q[i][k] * (x[i] - level.alpha * mean);
        along[k] *=
            level.sigma / (level.alpha * level.alpha * c->lambda[k] + level.sigma * level.sigma);
    }
    for (int i = 0; i < DIMS; i++) {
        eps[i] = 0;
        for (int k = 0; k < DIMS; k++) eps[i] += c->Q[i][k] * along[k];
    }
}

static bool predict_vjp(void *context, int count, const double *x, const NoiseLevel *levels,
                        int stride, const double *v, double *eps, double *jtv, Err *err)
{
    const Correlated *c = context;
    (void)err;
    for (int image = 0; image < count; image++) {
        size_t at = (size_t)image * DIMS;
        noise_of(c, levels[image * stride], c->mean, x + at, eps + at);
        if (v) noise_of(c, levels[image * stride], 0, v + at, jtv + at);
    }
    return true;
}

static bool predict(void *context, int count, const double *x, const NoiseLevel *levels, int stride,
                    double *eps, Err *err)
{
    return predict_vjp(context, count, x, levels, stride, NULL, eps, NULL, err);
}

static Denoiser correlated_denoiser(Correlated *c)
{
    return (Denoiser){.context = c, .dims = DIMS, .predict = predict, .predict_vjp = predict_vjp};
}

/* The basis of the cosine transform: neighbours are alike where the first eigenvalues are the largest. */
static Correlated data_of(double mean, double spread, double smooth)
{
    Correlated c = {.mean = mean};
    double sum = 0;
    for (int k = 0; k < DIMS; k++) sum += c.lambda[k] = exp(-smooth * k);
    for (int k = 0; k < DIMS; k++) {
        c.lambda[k] *= DIMS * spread * spread / sum;
        for (int i = 0; i < DIMS; i++)
            c.Q[i][k] = sqrt((k ? 2.0 : 1.0) / DIMS) * cos(M_PI * k * (i + 0.5) / DIMS);
    }
    return c;
}

static void covariance(const Correlated *c, double S[DIMS][DIMS])
{
    for (int i = 0; i < DIMS; i++)
        for (int j = 0; j < DIMS; j++) {
            S[i][j] = 0;
            for (int k = 0; k < DIMS; k++) S[i][j] += c->lambda[k] * c->Q[i][k] * c->Q[j][k];
        }
}

typedef struct {
    double mean[DIMS], covariance[DIMS][DIMS];
} Moments;

/* Of x given y = A x + noise, one value of y after the other: each is a step of Kalman's filter. */
static Moments conditional(const Correlated *c, const Restore *r)
{
    Moments m;
    covariance(c, m.covariance);
    for (int i = 0; i < DIMS; i++) m.mean[i] = c->mean;
    double e[DIMS], row[DIMS], gain[DIMS];
    size_t known = operator_known(&r->a);
    for (size_t k = 0; k < known; k++) {
        for (size_t j = 0; j < known; j++) e[j] = j == k;
        operator_transpose(&r->a, e, row);
        double variance = r->noise * r->noise, missed = r->y[k];
        for (int i = 0; i < DIMS; i++) {
            gain[i] = 0;
            for (int j = 0; j < DIMS; j++) gain[i] += m.covariance[i][j] * row[j];
            variance += gain[i] * row[i];
            missed -= row[i] * m.mean[i];
        }
        for (int i = 0; i < DIMS; i++) {
            m.mean[i] += gain[i] * missed / variance;
            for (int j = 0; j < DIMS; j++) m.covariance[i][j] -= gain[i] * gain[j] / variance;
        }
    }
    return m;
}

/* ---- what a sampler draws ---- */

/* Image 0 draws zeros; image 1 + n has a 1 at number n of all that is drawn: the draws 0, 1, 2 ... of the sampler
 * and, from `replaced` on, those of replacing. */
typedef struct {
    size_t inputs, replaced;
} UnitNoise;

static void unit_noise(void *context, int image, uint64_t draw, size_t dims, double *z)
{
    const UnitNoise *u = context;
    uint64_t replaces = (uint64_t)1 << 30;
    size_t number = draw < replaces ? (size_t)draw : u->replaced + (size_t)(draw - replaces);
    for (size_t i = 0; i < dims; i++) z[i] = (size_t)image == 1 + number * dims + i;
    if (1 + (number + 1) * dims > u->inputs) EXPECT(!"a draw with an image of its own");
}

/* noisy: the sampler draws noise on the way too. */
static Moments drawn(const char *sampler, bool noisy, Case *c, Denoiser denoiser, Restore *r)
{
    static double x[MOST_INPUTS * DIMS];
    size_t own = noisy ? (size_t)c->grid.n + 1 : 1, calls = 2 * (size_t)c->grid.n;
    size_t inputs = 1 + (own + (r->way == RESTORE_REPLACE ? calls : 0)) * DIMS;
    UnitNoise units = {inputs, own};
    NoiseSource noise = {.context = &units, .normals = unit_noise};
    Moments m;
    Err err = {0};
    if (!EXPECT(inputs <= MOST_INPUTS)) exit(1);
    c->run.restore = r;
    must(sample(sampler, c, denoiser, noise, (int)inputs, x, &err), &err);
    c->run.restore = NULL;
    for (int i = 0; i < DIMS; i++) {
        m.mean[i] = x[i];
        for (int j = 0; j < DIMS; j++) {
            m.covariance[i][j] = 0;
            for (size_t k = 1; k < inputs; k++)
                m.covariance[i][j] += (x[k * DIMS + i] - x[i]) * (x[k * DIMS + j] - x[j]);
        }
    }
    return m;
}

/* Of the mean in units of `spread`, and of the covariance as a part of the exact one (Frobenius). */
typedef struct {
    double mean, covariance;
} Deviation;

static Deviation deviation(const Moments *found, const Moments *exact, double spread)
{
    double mean = 0, part = 0, whole = 0;
    for (int i = 0; i < DIMS; i++) {
        mean += pow(found->mean[i] - exact->mean[i], 2) / DIMS;
        for (int j = 0; j < DIMS; j++) {
            part += pow(found->covariance[i][j] - exact->covariance[i][j], 2);
            whole += pow(exact->covariance[i][j], 2);
        }
    }
    return (Deviation){sqrt(mean) / spread, sqrt(part / whole)};
}

static const unsigned char kept[DIMS] = {1, 1, 1, 0, 0, 1, 0, 0};
static const double y[DIMS] = {0.9, 0.4, -0.5, 0.8, 0.1, -0.3, 0.6, 0.2};
static const double SPREAD = 0.6, MEAN = 0.2;

static Restore known_by(OperatorKind kind, RestoreWay way, double noise)
{
    return (Restore){.a = {.kind = kind,
                           .height = H,
                           .width = W,
                           .channels = 1,
                           .colours = 1,
                           .kept = kept,
                           .block = 2},
                     .y = y,
                     .noise = noise,
                     .way = way,
                     .spread = SPREAD};
}

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

/* ---- isotropic data: the approximation of p(x0 | x) is exact ---- */

static void expect_conditional(const char *sampler, int steps, int process, Restore r,
                               double allowed)
{
    bool noisy = strcmp(sampler, "ddpm") == 0 || strcmp(sampler, "reverse-sde") == 0;
    Correlated data = data_of(MEAN, SPREAD, 0);
    Case *c = case_new(&every_process[process]);
    case_grid(c, sampler, steps);
    Moments exact = conditional(&data, &r),
            found = drawn(sampler, noisy, c, correlated_denoiser(&data), &r);
    Deviation d = deviation(&found, &exact, SPREAD);
    if (!EXPECT(d.mean <= allowed && d.covariance <= allowed))
        printf("  %s, process %d, operator %d, noise %g, by %s: mean %g, covariance %g\n", sampler,
               process, r.a.kind, r.noise, restore_words[r.way], d.mean, d.covariance);
}

TEST(gradient_draws_the_conditional_gaussian_of_isotropic_data)
{
    for (int process = 0; process < PROCESSES; process++)
        expect_conditional("heun", 121, process, known_by(OPERATOR_MASK, RESTORE_GRADIENT, 0),
                           0.015);
    expect_conditional("heun", 121, PROCESS_VP,
                       known_by(OPERATOR_BLOCK_MEAN, RESTORE_GRADIENT, 0.3), 0.015);
    expect_conditional("heun", 121, PROCESS_SMLD,
                       known_by(OPERATOR_IDENTITY, RESTORE_GRADIENT, 0.5), 0.015);
}

/* The rest is the sampler's own error, which falls with the steps. */
TEST(every_sampler_draws_it)
{
    static const struct {
        const char *name;
        int steps;
        double allowed;
    } samplers_of[] = {{"ddim", 200, 0.03}, {"dpm++2m", 100, 0.015}, {"unipc", 100, 0.015},
                       {"ode", 0, 0.015},   {"ddpm", 50, 0.25},      {"reverse-sde", 50, 0.25}};
    for (size_t i = 0; i < sizeof samplers_of / sizeof *samplers_of; i++)
        expect_conditional(samplers_of[i].name, samplers_of[i].steps, PROCESS_VP,
                           known_by(OPERATOR_BLOCK_MEAN, RESTORE_GRADIENT, 0.3),
                           samplers_of[i].allowed);
}

/* The values of isotropic data depend on nothing else, so replacing some is right too. */
TEST(replacing_draws_it_too)
{
    expect_conditional("ddpm", 50, PROCESS_VP, known_by(OPERATOR_MASK, RESTORE_REPLACE, 0), 0.25);
    expect_conditional("heun", 61, PROCESS_VE, known_by(OPERATOR_BLOCK_MEAN, RESTORE_REPLACE, 0),
                       0.05);
}

/* ---- correlated data: an approximation ---- */

static Deviation deviation_of(const Correlated *exact_data, Restore r, const char *sampler,
                              bool noisy, int steps)
{
    Correlated data = *exact_data;
    Case *c = case_new(&every_process[PROCESS_VP]);
    case_grid(c, sampler, steps);
    Moments exact = conditional(&data, &r);
    Moments found = drawn(sampler, noisy, c, correlated_denoiser(&data), &r);
    return deviation(&found, &exact, SPREAD);
}

/* How far what is drawn is off where pixels depend on their neighbours: root mean square of the mean, in standard
 * deviations of the data, and the covariance as a part of the exact one. Neighbours are correlated by 0.67 (smooth 0.5)
 * and 0.90 (smooth 1). Of replacing, the covariance is mostly the error of ddpm in 50 steps. */
TEST(what_is_drawn_of_correlated_data_is_off_by_so_much)
{
    static const struct {
        double smooth;
        OperatorKind kind;
        RestoreWay way;
        double mean, covariance;
    } stated[] = {{0.5, OPERATOR_MASK, RESTORE_GRADIENT, 0.126, 0.063},
                  {0.5, OPERATOR_MASK, RESTORE_REPLACE, 0.210, 0.178},
                  {0.5, OPERATOR_BLOCK_MEAN, RESTORE_GRADIENT, 0.046, 0.027},
                  {1, OPERATOR_MASK, RESTORE_GRADIENT, 0.445, 0.320},
                  {1, OPERATOR_BLOCK_MEAN, RESTORE_GRADIENT, 0.254, 0.264}};
    for (size_t i = 0; i < sizeof stated / sizeof *stated; i++) {
        bool replaces = stated[i].way == RESTORE_REPLACE;
        Correlated data = data_of(MEAN, SPREAD, stated[i].smooth);
        Deviation d = deviation_of(&data, known_by(stated[i].kind, stated[i].way, 0),
                                   replaces ? "ddpm" : "heun", replaces, replaces ? 50 : 121);
        EXPECT_NEAR(d.mean, stated[i].mean, 0.002);
        EXPECT_NEAR(d.covariance, stated[i].covariance, 0.002);
    }
}

/* What is known stays exactly so where it has no noise, whatever the walk has made of it. */
TEST(what_is_known_is_kept)
{
    static double x[3 * DIMS], known[DIMS];
    Correlated data = data_of(MEAN, SPREAD, 1);
    SeedNoise seeds = {.first_seed = 5};
    Err err = {0};
    for (int kind = 0; kind < OPERATOR_KINDS; kind++)
        for (int way = 0; way < 2; way++) {
            Restore r = known_by((OperatorKind)kind, (RestoreWay)way, 0);
            Case *c = case_new(&every_process[PROCESS_VP]);
            case_grid(c, "pc", 40);
            c->run.restore = &r;
            must(sample("pc", c, correlated_denoiser(&data), seed_noise(&seeds), 3, x, &err), &err);
            for (int image = 0; image < 3; image++) {
                operator_apply(&r.a, x + image * DIMS, known);
                for (size_t i = 0; i < operator_known(&r.a); i++)
                    EXPECT_NEAR(known[i], y[i], 1e-14);
            }
            EXPECT(r.missed > 0 && r.missed < 1);
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

/* ---- beginning with an image ---- */

/* What is drawn from noise taken off an image m0 + n is, at strength 1, the data; and the start is alpha m0 + sigma z. */
TEST(a_walk_begins_with_the_noised_image)
{
    static double x[(1 + DIMS) * DIMS];
    double start[DIMS];
    size_t inputs = 1 + DIMS;
    UnitNoise units = {inputs, 1};
    NoiseSource noise = {.context = &units, .normals = unit_noise};
    Correlated data = data_of(0, SPREAD, 0);
    Err err = {0};
    for (int i = 0; i < DIMS; i++) start[i] = y[i];
    Case *c = case_new(&every_process[PROCESS_VP]);
    case_grid(c, "heun", 121);
    int all = c->grid.n;
    EXPECT_OK(level_grid_begin(&c->grid, &c->process, 0.5, false, &err), err);
    EXPECT(c->grid.n < all && c->grid.level[0].time <= 0.5 && c->grid.level[c->grid.n].sigma == 0);
    NoiseLevel first = c->grid.level[0];
    c->run.start = start;
    must(sample("heun", c, correlated_denoiser(&data), noise, (int)inputs, x, &err), &err);
    /* The flow of isotropic data around 0 multiplies by s / sqrt(alpha^2 s^2 + sigma^2). */
    double shrink = SPREAD / hypot(first.alpha * SPREAD, first.sigma);
    for (int i = 0; i < DIMS; i++) {
        EXPECT_NEAR(x[i], shrink * first.alpha * y[i], 0.02);
        for (int j = 0; j < DIMS; j++)
            EXPECT_NEAR(x[(1 + j) * DIMS + i] - x[i], i == j ? shrink * first.sigma : 0, 0.02);
    }
}

TEST(strength_is_a_part_of_the_noise_process)
{
    Err err = {0};
    Case *c = case_new(&every_process[PROCESS_DDPM]);
    case_spaced(c, SPACING_EVEN, 1000);
    EXPECT_OK(level_grid_begin(&c->grid, &c->process, 0.6, false, &err), err);
    EXPECT_INT(c->grid.n, 600);
    EXPECT(c->grid.level[0].time == 599);
    case_spaced(c, SPACING_EVEN, 1000);
    EXPECT_OK(level_grid_begin(&c->grid, &c->process, 1, false, &err), err);
    EXPECT_INT(c->grid.n, 1000);
    EXPECT_REFUSED(level_grid_begin(&c->grid, &c->process, 1e-4, false, &err), err, ERR_USAGE,
                   "strength 0.0001");
    case_grid(c, "ode", 0);
    EXPECT_OK(level_grid_begin(&c->grid, &c->process, 0.25, true, &err), err);
    EXPECT_INT(c->grid.n, 2);
    EXPECT_NEAR(c->grid.level[0].time, 249, 1e-9);
}
