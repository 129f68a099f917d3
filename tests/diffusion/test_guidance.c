/* Classifier-free guidance of exact denoisers: the mixed noise against the formula of a Gaussian mixture, guided
 * sampling against the closed form of its flow, and what a call costs. */
#include "diffusion/guidance.h"

#include "solver_case.h"

enum { CLASSES = 3, DIMS = 2, COUNT = 5 };

/* Class k is one mode of a mixture; without a class it is the whole mixture. */
static const double weights[CLASSES] = {0.5, 0.3, 0.2};
static const double means[CLASSES * DIMS] = {-0.6, -0.5, 0.6, 0.5, 0.1, -0.8};
static const double stds[CLASSES] = {0.3, 0.15, 0.5};
static const MixtureData mixture = {
    .dims = DIMS, .modes = CLASSES, .weights = weights, .means = means, .stds = stds};

/* Image i has class (first + i) mod classes. */
typedef struct {
    Denoiser with[CLASSES], without;
    int classes, first;
    const int *images;
    const bool *dropped;
    int calls, rows; /* rows of the last call */
} Classed;

static bool classed_predict(void *context, int count, const double *x, const NoiseLevel *levels,
                            int stride, double *eps, Err *err)
{
    Classed *c = context;
    c->calls++;
    c->rows = count;
    for (int i = 0; i < count; i++) {
        int image = c->images ? c->images[i] : i;
        const Denoiser *d =
            c->dropped && c->dropped[i] ? &c->without : &c->with[(c->first + image) % c->classes];
        size_t at = (size_t)i * d->dims;
        if (!d->predict(d->context, 1, x + at, levels + i * stride, 0, eps + at, err)) return false;
    }
    return true;
}

/* A variance of its own for each kind of row. */
static bool classed_variance(void *context, int count, const double *x, const NoiseLevel *levels,
                             int stride, double *eps, double *v, Err *err)
{
    const Classed *c = context;
    for (int i = 0; i < count * DIMS; i++) v[i] = c->dropped && c->dropped[i / DIMS] ? 0.9 : 0.1;
    return classed_predict(context, count, x, levels, stride, eps, err);
}

static void choose_images(void *context, const int *images)
{
    ((Classed *)context)->images = images;
}

static void drop_labels(void *context, const bool *dropped)
{
    ((Classed *)context)->dropped = dropped;
}

static Denoiser denoiser_of(Classed *c)
{
    return (Denoiser){.context = c,
                      .dims = c->without.dims,
                      .predict = classed_predict,
                      .choose_images = choose_images,
                      .drop_labels = drop_labels};
}

static Classed classed_mixture(void)
{
    static const double one = 1;
    static MixtureData modes[CLASSES];
    Classed c = {.without = mixture_denoiser(&mixture), .classes = CLASSES};
    for (int k = 0; k < CLASSES; k++) {
        modes[k] = (MixtureData){
            .dims = DIMS, .modes = 1, .weights = &one, .means = means + k * DIMS, .stds = stds + k};
        c.with[k] = mixture_denoiser(&modes[k]);
    }
    return c;
}

static void open_guidance(Guidance *g, Classed *c, double weight, double low, double high, int most)
{
    SampleConfig settings = {.guidance = weight, .guidance_low = low, .guidance_high = high};
    Denoiser inner = denoiser_of(c);
    Err err = {0};
    must(guidance_open(g, &inner, &settings, most, &err), &err);
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
    double v = pow(level.alpha * stds[k], 2) + pow(level.sigma, 2);
    return level.sigma * (x[d] - level.alpha * means[k * DIMS + d]) / v;
}

/* Its share of the density of the mixture. */
static double share_of(int k, NoiseLevel level, const double *x)
{
    double all = 0, one = 0;
    for (int j = 0; j < CLASSES; j++) {
        double v = pow(level.alpha * stds[j], 2) + pow(level.sigma, 2), square = 0;
        for (int d = 0; d < DIMS; d++) square += pow(x[d] - level.alpha * means[j * DIMS + d], 2);
        double density = weights[j] / v * exp(-square / (2 * v)); /* of two dimensions */
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
    Denoiser inner = denoiser_of(&c);
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

/* ---- sampling ---- */

/* One dimension, the class N(m, s^2) of data that are N(0, S^2) as a whole (classes whose means are normal). */
static const GaussianData class_data = {.dims = 1, .mean = 0.5, .std = 0.25},
                          whole_data = {.dims = 1, .mean = 0, .std = 0.8};

/* What the flow dy/dr = r ((1 - w) y / (S^2 + r^2) + w (y - m) / (s^2 + r^2)) of y = x / alpha, r = sigma / alpha
 * makes of y on the way from r0 to r1. With h = (S^2 + r^2)^((1 - w) / 2) (s^2 + r^2)^(w / 2)
 *   y(r1) = h(r1) (y / h(r0) - integral of w m r / ((s^2 + r^2) h(r)) from r0 to r1),
 * by Simpson's rule in ln r. */
static double growth(double w, double r)
{
    double S = whole_data.std, s = class_data.std;
    return pow(S * S + r * r, (1 - w) / 2) * pow(s * s + r * r, w / 2);
}

static double exact_flow(double w, double y, double r0, double r1)
{
    enum { PARTS = 4000 };
    double s = class_data.std, step = log(r1 / r0) / PARTS, sum = 0;
    for (int i = 0; i <= PARTS; i++) {
        double r = r0 * exp(i * step), value = r * w * class_data.mean * r;
        value /= (s * s + r * r) * growth(w, r);
        sum += value * (i == 0 || i == PARTS ? 1 : i % 2 ? 4 : 2);
    }
    return growth(w, r1) * (y / growth(w, r0) - sum * step / 3);
}

static double guided_flow(int process, double w, double low, double high, double *exact)
{
    Case *c = case_new(&every_process[process]);
    double start = 0.7, x;
    Classed classed = {.with = {gaussian_denoiser(&class_data)},
                       .without = gaussian_denoiser(&whole_data),
                       .classes = 1};
    Guidance g;
    Err err = {0};
    case_grid(c, "ode", 0);
    c->grid.level[2] = c->grid.level[1];
    c->run.config.tolerance = 1e-9;
    c->run.config.call_limit = 100000;
    open_guidance(&g, &classed, w, low, high, 1);
    must(sample("ode", c, guidance_denoiser(&g), from_start(&start), 1, &x, &err), &err);
    guidance_close(&g);
    NoiseLevel noisy = c->grid.level[0], end = c->grid.level[1];
    double r0 = noisy.sigma / noisy.alpha, r1 = end.sigma / end.alpha;
    double y = start * process_prior_std(&c->process) / noisy.alpha;
    double to = high > 0 ? high : r0, until = low > 0 ? low : r1;
    if (to < r0) y = exact_flow(1, y, r0, to);
    y = exact_flow(w, y, to, until);
    if (until > r1) y = exact_flow(1, y, until, r1);
    *exact = end.alpha * y;
    return x;
}

TEST(guided_flow_of_gaussians_is_the_closed_form_on_every_process)
{
    for (int p = 0; p < PROCESSES; p++)
        for (double w = 0; w <= 4; w += 1) {
            double exact, x = guided_flow(p, w, 0, 0, &exact);
            EXPECT_NEAR(x, exact, 1e-6);
        }
}

/* The solver meets a jump at each end of the interval. */
TEST(guided_flow_within_an_interval_is_the_closed_form_piece_by_piece)
{
    for (int p = 0; p < PROCESSES; p++) {
        double exact, whole, x = guided_flow(p, 3, 0.3, 2, &exact);
        EXPECT_NEAR(x, exact, 1e-5);
        guided_flow(p, 3, 0, 0, &whole);
        EXPECT(fabs(whole - exact) > 0.02);
    }
}

static void sample_guided(const char *name, Case *c, Classed *classed, double w, int count,
                          uint64_t seed, double *x)
{
    SeedNoise seeds = {.first_seed = seed};
    Guidance g;
    Err err = {0};
    open_guidance(&g, classed, w, 0, 0, count);
    must(sample(name, c, guidance_denoiser(&g), seed_noise(&seeds), count, x, &err), &err);
    guidance_close(&g);
}

TEST(every_sampler_is_guided_and_an_image_depends_neither_on_its_batch_nor_on_threads)
{
    for (const Sampler *s = samplers; s->name; s++) {
        double all[COUNT * DIMS], alone[DIMS], plain[COUNT * DIMS];
        Case *c = case_new(&every_process[PROCESS_DDPM]);
        case_grid(c, s->name, s->reads & SAMPLE_ODE ? 0 : 60);
        c->run.config.tolerance = 1e-4;
        FOR_THREADS(threads)
        {
            Classed classed = classed_mixture();
            double again[COUNT * DIMS];
            sample_guided(s->name, c, &classed, 2, COUNT, 7, threads == 1 ? all : again);
            if (threads > 1) EXPECT_SAME(again, all, sizeof all);
        }
        for (int i = 0; i < COUNT; i++) {
            Classed classed = classed_mixture();
            classed.first = i;
            sample_guided(s->name, c, &classed, 2, 1, 7 + (uint64_t)i, alone);
            EXPECT_SAME(alone, all + i * DIMS, sizeof alone);
        }
        Classed classed = classed_mixture();
        sample_guided(s->name, c, &classed, 1, COUNT, 7, plain);
        for (int i = 0; i < COUNT * DIMS; i++) EXPECT(isfinite(all[i]) && all[i] != plain[i]);
    }
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
