/* Restoring Gaussian data, where what is drawn has a closed form. The denoisers are affine and so is every sampler
 * here, so each image is an affine function of the noise that it draws: an image for each number of that noise gives
 * the mean and the covariance of what is drawn exactly, without a statistic. */
#include "correlated_data.h"
#include "diffusion/guidance.h"

enum { MOST_INPUTS = 4096 };

/* noisy: the sampler draws noise on the way too. */
static Moments drawn(const char *sampler, bool noisy, Case *c, Denoiser denoiser, Restore *r)
{
    static double x[MOST_INPUTS * DIMS];
    size_t own = noisy ? (size_t)c->grid.n + 1 : 1, calls = 2 * (size_t)c->grid.n;
    size_t inputs = 1 + (own + (r->way == RESTORE_REPLACE ? calls : 0)) * DIMS;
    UnitNoise units = {inputs, own};
    NoiseSource noise = unit_noise(&units);
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

/* ---- guidance ---- */

/* Rows with a class are data of one mean, those without of another. */
typedef struct {
    Correlated with, without;
    const bool *dropped;
} TwoData;

static bool two_predict_vjp(void *context, int count, const double *x, const NoiseLevel *levels,
                            int stride, const double *v, double *eps, double *jtv, Err *err)
{
    TwoData *two = context;
    for (int i = 0; i < count; i++) {
        bool drop = two->dropped && two->dropped[i];
        Denoiser d = correlated_denoiser(drop ? &two->without : &two->with);
        size_t at = (size_t)i * DIMS;
        if (!d.predict_vjp(d.context, 1, x + at, levels + i * stride, 0, v ? v + at : NULL,
                           eps + at, v ? jtv + at : NULL, err))
            return false;
    }
    return true;
}

static bool two_predict(void *context, int count, const double *x, const NoiseLevel *levels,
                        int stride, double *eps, Err *err)
{
    return two_predict_vjp(context, count, x, levels, stride, NULL, eps, NULL, err);
}

static void two_drop(void *context, const bool *dropped)
{
    ((TwoData *)context)->dropped = dropped;
}

/* Of two Gaussians with one covariance, guidance by W is the Gaussian whose mean is W times as far from that without
 * a class as that of the class. */
TEST(with_guidance_what_is_drawn_is_the_conditional_gaussian_of_the_guided_data)
{
    static const double weight = 2.5, class_mean = 0.05, whole_mean = -0.15;
    TwoData two = {data_of(class_mean, SPREAD, 0), data_of(whole_mean, SPREAD, 0), NULL};
    Correlated mixed = data_of(whole_mean + weight * (class_mean - whole_mean), SPREAD, 0);
    Denoiser inner = {.context = &two,
                      .dims = DIMS,
                      .predict = two_predict,
                      .predict_vjp = two_predict_vjp,
                      .drop_labels = two_drop};
    SampleConfig settings = {.guidance = weight};
    for (int process = 0; process < PROCESSES; process++) {
        Restore r = known_by(OPERATOR_MASK, RESTORE_GRADIENT, process % 2 ? 0.3 : 0);
        Case *c = case_new(&every_process[process]);
        Guidance g;
        Err err = {0};
        case_grid(c, "heun", 121);
        must(guidance_open(&g, &inner, &settings, 1 + DIMS, &err), &err);
        Moments exact = conditional(&mixed, &r), of_class = conditional(&two.with, &r),
                found = drawn("heun", false, c, guidance_denoiser(&g), &r);
        Deviation d = deviation(&found, &exact, SPREAD);
        if (!EXPECT(d.mean <= 0.015 && d.covariance <= 0.015))
            printf("  process %d: mean %g, covariance %g\n", process, d.mean, d.covariance);
        EXPECT(deviation(&of_class, &exact, SPREAD).mean > 0.2);
        guidance_close(&g);
    }
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
