/* Solvers against published results with stand-in networks, and against the words of their papers. */
#include "solver_case.h"

/* ---- published runs ---- */

static double net_scaled_by_time(double x, double t)
{
    return x * t / (t + 1);
}

/* t = rint(999 i / n), i = n .. 1, then `end` (sigma at t 0, or clean). */
static void even_grid(Case *c, int n, bool clean)
{
    case_spaced(c, SPACING_UNIFORM, n);
    for (int i = 0; i < n; i++)
        c->grid.level[i] = process_level(&c->process, rint(999.0 * (n - i) / n));
    if (!clean) c->grid.level[n] = process_level(&c->process, 0);
}

/* Karras noise between the ends of the table, each with the nearest step's label. */
static void karras_grid(Case *c, int n, bool clean)
{
    double s[32], t[33] = {0};
    double first = exp(-level_logsnr(process_level(&c->process, 999)));
    double last = exp(-level_logsnr(process_level(&c->process, 0)));
    karras(first, last, n, s);
    for (int i = 0; i < n; i++) {
        int below = 0; /* ln s is a straight line between the steps */
        while (below < 998 && -level_logsnr(process_level(&c->process, below + 1)) < log(s[i]))
            below++;
        double a = -level_logsnr(process_level(&c->process, below));
        double b = -level_logsnr(process_level(&c->process, below + 1));
        t[i] = rint(below + (log(s[i]) - a) / (b - a));
    }
    if (!clean) s[n] = last;
    hand_grid(c, n, s, t, true);
}

/* Mean of |x| from the ramp i/768. */
static double mean_of_ramp(const char *sampler, Prediction kind, bool karras_spaced)
{
    double start[768], x[768], sum = 0;
    for (int i = 0; i < 768; i++) start[i] = i / 768.0;
    Case *c = case_new(&every_process[PROCESS_DDPM]);
    if (karras_spaced)
        karras_grid(c, 10, false);
    else
        even_grid(c, 10, false);
    StandIn net = {kind, net_scaled_by_time};
    Err err = {0};
    must(sample(sampler, c, stand_in(&net), from_start(start), 768, x, &err), &err);
    for (int i = 0; i < 768; i++) sum += fabs(x[i]) / 768;
    return sum;
}

TEST(multistep_solvers_reproduce_the_golden_means_of_diffusers)
{
    EXPECT_NEAR(mean_of_ramp("dpm++2m", PREDICT_EPS, false), 0.3301, 1e-4);
    EXPECT_NEAR(mean_of_ramp("dpm++2m", PREDICT_V, false), 0.2251, 1e-4);
    EXPECT_NEAR(mean_of_ramp("dpm++2m", PREDICT_V, true), 0.2092, 1e-4);
    EXPECT_NEAR(mean_of_ramp("unipc", PREDICT_EPS, false), 0.2464, 1e-4);
    EXPECT_NEAR(mean_of_ramp("unipc", PREDICT_V, false), 0.1014, 1e-4);
}

TEST(dpmpp_2m_reproduces_runs_of_diffusers_with_a_bent_network)
{
    static const struct {
        const char *sampler;
        int n;
        bool karras_spaced;
        double x[4];
    } rows[] = {
        {"ddim", 10, false, {5.628870, -2.011241, 0.522551, 13.021678}}, /* their order 1 */
        {"dpm++2m", 10, false, {3.715118, -1.330027, 0.344042, 8.548207}},
        {"dpm++2m", 20, false, {3.807805, -1.367702, 0.365753, 8.757882}},
        {"dpm++2m", 10, true, {2.132110, -0.790451, 0.228675, 4.834599}},
    };
    for (int r = 0; r < 4; r++) {
        double start[4] = {1, -0.5, 0.25, 2}, x[4];
        Case *c = case_new(&every_process[PROCESS_DDPM]);
        if (rows[r].karras_spaced)
            karras_grid(c, rows[r].n, true);
        else
            even_grid(c, rows[r].n, true);
        StandIn net = {PREDICT_EPS, net_bent};
        Err err = {0};
        must(sample(rows[r].sampler, c, stand_in(&net), from_start(start), 4, x, &err), &err);
        /* Their table of noise is in single precision: sigma at t 0 is 1e-4 off. */
        double tolerance = rows[r].karras_spaced ? 2e-5 : 1e-6;
        for (int i = 0; i < 4; i++)
            EXPECT_NEAR(x[i], rows[r].x[i], tolerance * fabs(rows[r].x[i]) + 1e-6);
    }
}

/* A network F with EDM's preconditioning, sigma_data 1/2, in its own words:
 * D = c_skip x + c_out F(c_in x; ln(sigma) / 4). */
static bool edm_predict(void *context, int count, const double *x, const NoiseLevel *levels,
                        int stride, double *eps, Err *err)
{
    (void)err;
    double (*const *net)(double, double) = context;
    for (int i = 0; i < count; i++) {
        NoiseLevel level = levels[i * stride];
        double total = hypot(level.sigma, 0.5), skip = 0.25 / (total * total);
        double out = level.sigma * 0.5 / total;
        double x0 = skip * x[i] + out * (*net)(x[i] / total, 0.25 * log(level.sigma));
        eps[i] = eps_from_prediction(PREDICT_X0, level, x[i], x0);
    }
    return true;
}

static void sample_edm(double (*net)(double, double), int count, double *start, double *x)
{
    double s[11];
    Case *c = case_new(&edm);
    karras(80, 0.002, 10, s);
    hand_grid(c, 10, s, NULL, false);
    for (int i = 0; i < count; i++) start[i] *= sqrt(80.0 * 80 + 1) / 80;
    Denoiser denoiser = {.context = &net, .dims = 1, .predict = edm_predict};
    Err err = {0};
    must(sample("ddim", c, denoiser, from_start(start), count, x, &err), &err);
}

TEST(euler_reproduces_the_golden_runs_of_edm)
{
    double ramp[768], x[768], sum = 0;
    for (int i = 0; i < 768; i++) ramp[i] = i / 768.0;
    sample_edm(net_scaled_by_time, 768, ramp, x);
    for (int i = 0; i < 768; i++) sum += fabs(x[i]);
    EXPECT_NEAR(sum, 34.1855, 1e-3);
    static const double bent[4] = {0.988958, -0.538288, 0.296975, 1.882495};
    double start[4] = {1, -0.5, 0.25, 2};
    sample_edm(net_bent, 4, start, x);
    for (int i = 0; i < 4; i++) EXPECT_NEAR(x[i], bent[i], 2e-6);
}

/* ---- heun against the words of its paper ---- */

static double paper_denoiser(double x, double sigma)
{
    return (0.0625 * x + sigma * sigma * 0.5) / (0.0625 + sigma * sigma); /* E[x0 | x] */
}

/* Algorithm 2 for data N(0.5, 0.0625); draw k of the noise is fixed. */
static double paper_heun(int n, const double *s, double churn, double limit, const double *draws)
{
    double x = s[0] * draws[0];
    for (int i = 0; i < n; i++) {
        double raised = fmin(s[i] * (1 + fmin(churn / n, sqrt(2) - 1)), limit);
        x += sqrt(raised * raised - s[i] * s[i]) * draws[i + 1];
        double d = (x - paper_denoiser(x, raised)) / raised;
        double next = x + (s[i + 1] - raised) * d;
        if (s[i + 1] > 0) {
            double slope = (next - paper_denoiser(next, s[i + 1])) / s[i + 1];
            next = x + (s[i + 1] - raised) * (d + slope) / 2;
        }
        x = next;
    }
    return x;
}

static void draw_from(void *context, int image, uint64_t draw, size_t dims, double *z)
{
    (void)image;
    const double *draws = context;
    for (size_t i = 0; i < dims; i++) z[i] = draws[draw];
}

TEST(heun_is_algorithm_2_of_its_paper_with_and_without_churn)
{
    static const double churns[] = {0, 0.5, 5, 1000};
    double draws[20], s[19], x;
    GaussianData data = {.dims = 1, .mean = 0.5, .std = 0.25};
    for (int i = 0; i < 20; i++) draws[i] = sin(3 * i + 1);
    karras(80, 0.002, 18, s);
    for (int k = 0; k < 4; k++) {
        Case *c = case_new(&edm);
        Err err = {0};
        hand_grid(c, 18, s, NULL, false);
        c->run.config.churn = churns[k];
        NoiseSource noise = {.context = draws, .normals = draw_from};
        must(sample("heun", c, gaussian_denoiser(&data), noise, 1, &x, &err), &err);
        EXPECT_NEAR(x, paper_heun(18, s, churns[k], 80, draws), 1e-9);
        EXPECT_INT(c->run.network_calls, 35);
    }
}

/* ---- unipc against what its coefficients are made for ---- */

static double quadratic(double lambda)
{
    return 0.3 + 0.7 * lambda - 0.4 * lambda * lambda;
}

static bool quadratic_predict(void *context, int count, const double *x, const NoiseLevel *levels,
                              int stride, double *eps, Err *err)
{
    (void)context, (void)err;
    for (int i = 0; i < count; i++) {
        NoiseLevel level = levels[i * stride];
        eps[i] = eps_from_prediction(PREDICT_X0, level, x[i], quadratic(level_logsnr(level)));
    }
    return true;
}

/* x / sigma = x_1 / sigma_1 + integral of exp(lambda) m: with m a parabola the second-order
 * corrector is exact, so only the first step (m is the mean of its ends) and the last (m is that of
 * its start) show. */
TEST(unipc_is_exact_for_predictions_that_are_parabolas_between_its_first_and_last_step)
{
    for (int n = 3; n <= 7; n++) {
        double s[8], start = 0.8, x;
        for (int i = 0; i <= n; i++) s[i] = 5 * pow(0.6 - 0.02 * i, i); /* uneven */
        Case *c = case_new(&every_process[PROCESS_VP]);
        Denoiser denoiser = {.dims = 1, .predict = quadratic_predict};
        Err err = {0};
        hand_grid(c, n, s, NULL, true);
        must(sample("unipc", c, denoiser, from_start(&start), 1, &x, &err), &err);
        double over_sigma[3]; /* at levels 1, n-1, n */
        const NoiseLevel *level = c->grid.level;
        double ends[2] = {log(1 / s[1]), log(1 / s[n - 1])}, area[2];
        double mean = 0.5 * (quadratic(log(1 / s[0])) + quadratic(log(1 / s[1])));
        over_sigma[0] = start / level[0].sigma + (1 / s[1] - 1 / s[0]) * mean;
        for (int k = 0; k < 2; k++)
            area[k] = exp(ends[k]) * (quadratic(ends[k]) - (0.7 - 0.8 * ends[k]) - 0.8);
        over_sigma[1] = over_sigma[0] + area[1] - area[0];
        over_sigma[2] = over_sigma[1] + (1 / s[n] - 1 / s[n - 1]) * quadratic(ends[1]);
        EXPECT_NEAR(x / level[n].sigma, over_sigma[2], 1e-12 * fabs(over_sigma[2]));
    }
}
