/* Guided sampling against the closed form of its flow, and by every sampler. */
#include "classed_mixture.h"

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
