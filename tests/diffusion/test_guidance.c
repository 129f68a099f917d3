/* Classifier-free guidance of exact denoisers: the mixed noise and its derivative against the formulas of a Gaussian
 * mixture, and what a call costs. */
#include "classed_mixture.h"

/* A variance of its own for each kind of row. */
static bool classed_variance(void *context, int count, const double *x, const NoiseLevel *levels,
                             int stride, double *eps, double *v, Err *err)
{
    const Classed *c = context;
    for (int i = 0; i < count * DIMS; i++) v[i] = c->dropped && c->dropped[i / DIMS] ? 0.9 : 0.1;
    return classed_predict(context, count, x, levels, stride, eps, err);
}

static void make_calls(double *x, NoiseLevel *levels)
{
    static const double alphas[COUNT] = {0.995, 0.9, 0.6, 0.3, 0.05};
    for (int i = 0; i < COUNT; i++) {
        levels[i] = (NoiseLevel){.alpha = alphas[i], .sigma = sqrt(1 - alphas[i] * alphas[i])};
        for (int d = 0; d < DIMS; d++) x[i * DIMS + d] = sin(3.7 * i + 1.3 * d);
    }
}

/* The noise of mode k at x: sigma (x - alpha m) / v, v = alpha^2 s^2 + sigma^2. */
static double noise_of(int k, NoiseLevel level, const double *x, int d)
{
    double v = pow(level.alpha * class_stds[k], 2) + pow(level.sigma, 2);
    return level.sigma * (x[d] - level.alpha * class_means[k * DIMS + d]) / v;
}

/* Its share of the density of the mixture. */
static double share_of(int k, NoiseLevel level, const double *x)
{
    double all = 0, one = 0;
    for (int j = 0; j < CLASSES; j++) {
        double v = pow(level.alpha * class_stds[j], 2) + pow(level.sigma, 2), square = 0;
        for (int d = 0; d < DIMS; d++)
            square += pow(x[d] - level.alpha * class_means[j * DIMS + d], 2);
        double density = class_weights[j] / v * exp(-square / (2 * v)); /* of two dimensions */
        all += density;
        if (j == k) one = density;
    }
    return one / all;
}

TEST(guided_noise_of_a_mixture_of_gaussians_is_the_closed_form)
{
    double x[COUNT * DIMS], eps[COUNT * DIMS];
    NoiseLevel levels[COUNT];
    Err err = {0};
    make_calls(x, levels);
    for (double w = 0; w <= 4; w += 0.5) {
        Classed c = classed_mixture();
        Guidance g;
        open_guidance(&g, &c, w, 0, 0, COUNT);
        Denoiser d = guidance_denoiser(&g);
        must(d.predict(d.context, COUNT, x, levels, 1, eps, &err), &err);
        for (int i = 0; i < COUNT; i++)
            for (int k = 0; k < DIMS; k++) {
                double with = noise_of(i % CLASSES, levels[i], x + i * DIMS, k), without = 0;
                for (int j = 0; j < CLASSES; j++)
                    without += share_of(j, levels[i], x + i * DIMS) *
                               noise_of(j, levels[i], x + i * DIMS, k);
                EXPECT_NEAR(eps[i * DIMS + k], without + w * (with - without), 1e-12);
            }
        guidance_close(&g);
    }
}

/* J v of mode k is sigma / v_k v; of the mixture, with shares r_k and a_k = sigma (x - alpha m_k) / v_k,
 *   J v = sum_k r_k sigma / v_k v - (sum_k r_k (a_k . v) a_k - (eps . v) eps) / sigma. */
static void mixture_product(NoiseLevel level, const double *x, const double *v, double *out)
{
    double eps[DIMS] = {0}, along = 0;
    for (int d = 0; d < DIMS; d++) out[d] = 0;
    for (int k = 0; k < CLASSES; k++) {
        double share = share_of(k, level, x), a[DIMS], of_v = 0;
        double slope = level.sigma / (pow(level.alpha * class_stds[k], 2) + pow(level.sigma, 2));
        for (int d = 0; d < DIMS; d++) {
            a[d] = noise_of(k, level, x, d);
            of_v += a[d] * v[d];
            eps[d] += share * a[d];
        }
        for (int d = 0; d < DIMS; d++) out[d] += share * (slope * v[d] - of_v * a[d] / level.sigma);
    }
    for (int d = 0; d < DIMS; d++) along += eps[d] * v[d];
    for (int d = 0; d < DIMS; d++) out[d] += along * eps[d] / level.sigma;
}

/* sum_j v_j d eps_j / d x_d of every image, by central differences. */
static void slopes_of(const Denoiser *g, const double *x, const NoiseLevel *levels, const double *v,
                      double *out)
{
    const double h = 1e-5;
    double moved[COUNT * DIMS], up[COUNT * DIMS], down[COUNT * DIMS];
    Err err = {0};
    for (int d = 0; d < DIMS; d++) {
        for (int i = 0; i < COUNT * DIMS; i++) moved[i] = x[i] + (i % DIMS == d ? h : 0);
        must(g->predict(g->context, COUNT, moved, levels, 1, up, &err), &err);
        for (int i = 0; i < COUNT * DIMS; i++) moved[i] = x[i] - (i % DIMS == d ? h : 0);
        must(g->predict(g->context, COUNT, moved, levels, 1, down, &err), &err);
        for (int i = 0; i < COUNT; i++) {
            out[i * DIMS + d] = 0;
            for (int j = i * DIMS; j < (i + 1) * DIMS; j++)
                out[i * DIMS + d] += v[j] * (up[j] - down[j]) / (2 * h);
        }
    }
}

TEST(the_guided_product_with_the_jacobian_is_the_closed_form_and_the_slope_of_the_guided_noise)
{
    double x[COUNT * DIMS], v[COUNT * DIMS], eps[COUNT * DIMS], plain[COUNT * DIMS];
    double jtv[COUNT * DIMS], slope[COUNT * DIMS], without[DIMS];
    NoiseLevel levels[COUNT];
    Err err = {0};
    make_calls(x, levels);
    for (int i = 0; i < COUNT * DIMS; i++) v[i] = cos(2.1 * i + 0.4);
    for (double w = 0; w <= 4; w += 0.5) {
        Classed c = classed_mixture();
        Guidance g;
        open_guidance(&g, &c, w, 0.2, 4, COUNT); /* the first and the last level are outside */
        Denoiser d = guidance_denoiser(&g);
        must(d.predict(d.context, COUNT, x, levels, 1, plain, &err), &err);
        must(d.predict_vjp(d.context, COUNT, x, levels, 1, v, eps, jtv, &err), &err);
        EXPECT_SAME(eps, plain, sizeof eps);
        slopes_of(&d, x, levels, v, slope);
        for (int i = 0; i < COUNT; i++) {
            double own = w, *of_v = v + i * DIMS, square = pow(levels[i].sigma, 2);
            if (i == 0 || i == COUNT - 1) own = 1;
            double with =
                levels[i].sigma / (pow(levels[i].alpha * class_stds[i % CLASSES], 2) + square);
            mixture_product(levels[i], x + i * DIMS, of_v, without);
            for (int k = 0; k < DIMS; k++) {
                double exact = without[k] + own * (with * of_v[k] - without[k]);
                EXPECT_NEAR(jtv[i * DIMS + k], exact, 1e-12 * (1 + fabs(exact)));
                EXPECT_NEAR(jtv[i * DIMS + k], slope[i * DIMS + k], 1e-6 * (1 + fabs(exact)));
            }
        }
        EXPECT(c.dropped == NULL && c.images == NULL);
        guidance_close(&g);
    }
    Classed c = classed_mixture();
    Denoiser inner = classed_denoiser(&c);
    inner.predict_vjp = NULL;
    Guidance g;
    must(guidance_open(&g, &inner, &(SampleConfig){.guidance = 2}, COUNT, &err), &err);
    EXPECT(guidance_denoiser(&g).predict_vjp == NULL);
    guidance_close(&g);
}

/* sigma / alpha of the levels: 0.1004, 0.484, 1.333, 3.180, 19.97. */
TEST(guidance_acts_above_the_low_level_up_to_the_high_one_and_costs_nothing_elsewhere)
{
    static const struct {
        double weight, low, high;
        int rows;
        bool acts[COUNT];
    } rows[] = {{2, 0, 0, 10, {true, true, true, true, true}},
                {2, 0.2, 4, 8, {false, true, true, true, false}},
                {2, 0.2, 0, 9, {false, true, true, true, true}},
                {2, 0, 1, 7, {true, true, false, false, false}},
                {2, 30, 40, 5, {false, false, false, false, false}},
                {1, 0, 0, 10, {true, true, true, true, true}},
                {0, 0.2, 4, 5, {false, true, true, true, false}}};
    double x[COUNT * DIMS], eps[COUNT * DIMS], with[COUNT * DIMS], without[COUNT * DIMS];
    bool all[COUNT] = {true, true, true, true, true};
    NoiseLevel levels[COUNT];
    Err err = {0};
    make_calls(x, levels);
    Classed c = classed_mixture();
    must(classed_predict(&c, COUNT, x, levels, 1, with, &err), &err);
    c.dropped = all;
    must(classed_predict(&c, COUNT, x, levels, 1, without, &err), &err);
    c.dropped = NULL;
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        Guidance g;
        open_guidance(&g, &c, rows[r].weight, rows[r].low, rows[r].high, COUNT);
        Denoiser d = guidance_denoiser(&g);
        c.calls = 0;
        must(d.predict(d.context, COUNT, x, levels, 1, eps, &err), &err);
        EXPECT_INT(c.calls, 1);
        EXPECT_INT(c.rows, rows[r].rows);
        for (int i = 0; i < COUNT * DIMS; i++) {
            double mixed = without[i] + rows[r].weight * (with[i] - without[i]);
            EXPECT(eps[i] == (rows[r].acts[i / DIMS] ? mixed : with[i]));
        }
        EXPECT(c.dropped == NULL && c.images == NULL);
        guidance_close(&g);
    }
    /* An end of the interval: the level itself is still guided. */
    Guidance g;
    double high = levels[2].sigma / levels[2].alpha;
    open_guidance(&g, &c, 2, high, 0, COUNT);
    Denoiser d = guidance_denoiser(&g);
    must(d.predict(d.context, COUNT, x, levels, 1, eps, &err), &err);
    EXPECT_INT(c.rows, 7);
    guidance_close(&g);
    open_guidance(&g, &c, 2, 0, high, COUNT);
    d = guidance_denoiser(&g);
    must(d.predict(d.context, COUNT, x, levels, 1, eps, &err), &err);
    EXPECT_INT(c.rows, 8);
    guidance_close(&g);
}

TEST(the_variance_of_a_step_is_that_of_the_prediction_with_the_class)
{
    double x[COUNT * DIMS], eps[COUNT * DIMS], plain[COUNT * DIMS], v[COUNT * DIMS];
    NoiseLevel levels[COUNT];
    Err err = {0};
    make_calls(x, levels);
    Classed c = classed_mixture();
    Denoiser inner = classed_denoiser(&c);
    inner.predict_variance = classed_variance;
    SampleConfig settings = {.guidance = 3};
    Guidance g;
    must(guidance_open(&g, &inner, &settings, COUNT, &err), &err);
    Denoiser d = guidance_denoiser(&g);
    must(d.predict(d.context, COUNT, x, levels, 1, plain, &err), &err);
    must(d.predict_variance(d.context, COUNT, x, levels, 1, eps, v, &err), &err);
    EXPECT_SAME(eps, plain, sizeof eps);
    for (int i = 0; i < COUNT * DIMS; i++) EXPECT(v[i] == 0.1);
    guidance_close(&g);
}
TEST(settings_of_guidance_that_do_not_go_together_are_refused)
{
    Err err = {0};
    SampleConfig none = {.guidance = 1}, off = {.guidance = 1, .guidance_high = 2};
    SampleConfig empty = {.guidance = 2, .guidance_low = 2, .guidance_high = 2};
    SampleConfig good = {.guidance = 0, .guidance_low = 1, .guidance_high = 2};
    EXPECT(guidance_check(&none, &err) && guidance_check(&good, &err));
    EXPECT_REFUSED(guidance_check(&off, &err), err, ERR_USAGE, "guidance is 1, which is off");
    EXPECT_REFUSED(guidance_check(&empty, &err), err, ERR_USAGE, "which leaves no level");
}
