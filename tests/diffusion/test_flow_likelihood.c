/* The likelihood of the probability flow against closed forms. */

#include "base/parallel.h"
#include "cli/cli.h"
#include "diffusion/protocol.h"
#include "exact_denoiser.h"
#include "processes.h"
#include "test.h"

static const GaussianData half = {.dims = 1, .mean = 0.5, .std = 0.25};

static LikelihoodRun flow(const Process *p, double tolerance)
{
    return (LikelihoodRun){
        .process = p, .probes = 1, .draws = 1, .tolerance = tolerance, .call_limit = 10000};
}

static bool flow_likelihood(const LikelihoodRun *run, const Denoiser *d, int count,
                            const unsigned char *pixels, const uint64_t *seeds, Likelihood *results,
                            Err *err)
{
    ScoredImages images = {.count = count, .pixels = pixels, .seeds = seeds};
    return protocol_ode.score(run, &(LikelihoodModel){.denoiser = *d}, &images, results, err);
}

/* ln p(x) of a one-dimensional denoiser; *x becomes the latent. */
static double density(const LikelihoodRun *run, Denoiser d, double *x, long *calls)
{
    uint64_t seed = 1, draw = 0;
    double log_p = (double)NAN;
    Err err = {0};
    if (!EXPECT(flow_log_density(run, &d, 1, x, &seed, &draw, &log_p, calls, &err)))
        test_expect_text(err.text, "", "error", __FILE__, __LINE__);
    return log_p;
}

/* The flow of N(m, s^2) is affine: x_T = alpha_T m + sqrt(v_T / v) (x - alpha m). */
static double closed_form(const Process *p, double x, double *latent)
{
    NoiseLevel from = process_level(p, process_is_discrete(p) ? 0 : p->time_min);
    NoiseLevel to = process_level(p, process_time_noisy(p));
    double s2 = half.std * half.std;
    double v = from.alpha * from.alpha * s2 + from.sigma * from.sigma;
    double end = to.alpha * to.alpha * s2 + to.sigma * to.sigma;
    *latent = to.alpha * half.mean + sqrt(end / v) * (x - from.alpha * half.mean);
    return gaussian_log_density(latent, 1, process_prior_std(p)) + 0.5 * log(end / v);
}

TEST(densities_of_the_flow_have_their_closed_forms_for_every_process)
{
    static const struct {
        ProcessKind kind;
        double x, nats;
    } rows[] = {
        {PROCESS_VP, 0.5, 0.467323}, {PROCESS_VP, 0.3, 0.149970},    {PROCESS_VP, 0, -1.525993},
        {PROCESS_VP, 1, -1.539140},  {PROCESS_SUBVP, 0.5, 0.467309}, {PROCESS_SUBVP, 0.3, 0.149965},
        {PROCESS_VE, 0.5, 0.466519}, {PROCESS_VE, 0.3, 0.155016},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        Process p = process_of(&every_process[rows[i].kind]);
        LikelihoodRun run = flow(&p, 1e-9);
        double x = rows[i].x;
        EXPECT_NEAR(density(&run, gaussian_denoiser(&half), &x, NULL), rows[i].nats, 1e-6);
    }
    for (int k = 0; k < PROCESSES; k++) {
        Process p = process_of(&every_process[(ProcessKind)k]);
        LikelihoodRun run = flow(&p, 1e-9);
        for (double start = -0.4; start < 1.5; start += 0.3) {
            double x = start, latent, want = closed_form(&p, start, &latent);
            EXPECT_NEAR(density(&run, gaussian_denoiser(&half), &x, NULL), want, 1e-6);
            EXPECT_NEAR(x, latent, 1e-6 * fmax(1, fabs(latent)));
        }
    }
    Process p = process_of(&every_process[PROCESS_VP]);
    LikelihoodRun run = flow(&p, 1e-9);
    double middle = 0.5, x = 0.3;
    density(&run, gaussian_denoiser(&half), &middle, NULL);
    EXPECT_NEAR(middle, 0.003287, 1e-6);
    double nats = pixel_nats(&model_pixels, density(&run, gaussian_denoiser(&half), &x, NULL), 1);
    EXPECT_NEAR(x, -0.796691, 1e-6);
    EXPECT_NEAR(nats / log(2), 6.783639, 2e-6);
}

TEST(at_tolerance_1e_5_a_solve_takes_about_fifty_evaluations)
{
    static const struct {
        ProcessKind kind;
        double nats;
        long calls;
    } rows[] = {{PROCESS_VP, 0.149982, 50}, {PROCESS_SUBVP, 0.149967, 68}};
    for (int i = 0; i < 2; i++) {
        Process p = process_of(&every_process[rows[i].kind]);
        LikelihoodRun run = flow(&p, 1e-5);
        double x = 0.3;
        long calls = 0;
        EXPECT_NEAR(density(&run, gaussian_denoiser(&half), &x, &calls), rows[i].nats, 1e-6);
        EXPECT_INT(calls, rows[i].calls);
    }
    /* A trained chain costs no more: its jumps from step to step are not seen. */
    Process p = process_of(&every_process[PROCESS_DDPM]);
    LikelihoodRun run = flow(&p, 1e-5);
    double x = 0.3, latent, want = closed_form(&p, 0.3, &latent);
    long calls = 0;
    EXPECT_NEAR(density(&run, gaussian_denoiser(&half), &x, &calls), want, 1e-4);
    EXPECT(calls < 80);
}

/* A model that knows the image: its flow begins as N(alpha value, sigma^2), the very noise that is added, so each
 * draw costs -ln P(the noise rounds to the pixel), whatever it is. */
TEST(normal_dequantisation_of_a_known_image_costs_what_rounds_to_another)
{
    enum { COUNT = 3 };
    static const unsigned char pixels[COUNT] = {128, 128, 128};
    static const uint64_t seeds[COUNT] = {1, 2, 3};
    for (int k = 0; k < PROCESSES; k++) {
        Process p = process_of(&every_process[(ProcessKind)k]);
        NoiseLevel from = process_level(&p, process_is_discrete(&p) ? 0 : p.time_min);
        GaussianData known = {.dims = 1, .mean = pixel_value(&model_pixels, 128), .std = 0};
        LikelihoodRun run = flow(&p, 1e-9);
        run.dequant = DEQUANT_NORMAL;
        double cost = -log(erf(from.alpha / 255 / from.sigma * sqrt(0.5)));
        Likelihood results[COUNT];
        Denoiser d = gaussian_denoiser(&known);
        Err err = {0};
        EXPECT(flow_likelihood(&run, &d, COUNT, pixels, seeds, results, &err));
        for (int i = 0; i < COUNT; i++) EXPECT_NEAR(results[i].nats, cost, 2e-3);
    }
}

TEST(the_density_rises_towards_the_mean)
{
    for (int k = 0; k < PROCESSES; k++) {
        Process p = process_of(&every_process[(ProcessKind)k]);
        LikelihoodRun run = flow(&p, 1e-6);
        double before = -HUGE_VAL;
        for (double distance = 1; distance >= 0.1; distance -= 0.1) {
            double low = 0.5 - distance, high = 0.5 + distance;
            double here = density(&run, gaussian_denoiser(&half), &low, NULL);
            EXPECT(here > before);
            EXPECT_NEAR(density(&run, gaussian_denoiser(&half), &high, NULL), here,
                        0.05 + 0.02 * fabs(here));
            before = here;
        }
    }
}

TEST(the_density_of_a_mixture_is_a_density)
{
    double weights[2] = {0.7, 0.3}, means[2] = {-0.5, 0.6}, stds[2] = {0.1, 0.2}, sum = 0;
    MixtureData data = {.dims = 1, .modes = 2, .weights = weights, .means = means, .stds = stds};
    Process p = process_of(&every_process[PROCESS_VP]);
    LikelihoodRun run = flow(&p, 1e-6);
    for (int i = -60; i < 60; i++) {
        double at = (i + 0.5) / 30, x = at, truth = 0;
        double log_p = density(&run, mixture_denoiser(&data), &x, NULL);
        for (int k = 0; k < 2; k++) {
            double centred = at - means[k];
            truth += weights[k] * exp(gaussian_log_density(&centred, 1, stds[k]));
        }
        sum += exp(log_p) / 30;
        if (truth > 1e-3) EXPECT_NEAR(exp(log_p), truth, 0.03 * truth);
    }
    EXPECT_NEAR(sum, 1, 1e-4);
}

/* The default of `diffc nll --tolerance`, on images as large as Fashion-MNIST's: three narrow modes of
 * which half the values are nearly black, and an image between them. */
TEST(the_default_tolerance_keeps_the_solvers_error_below_2e_4_bits_per_dimension)
{
    enum { PIXELS = 784, COUNT = 4 };
    static const double weights[3] = {0.5, 0.3, 0.2}, stds[3] = {0.05, 0.2, 0.02};
    static double means[3 * PIXELS];
    static unsigned char pixels[COUNT * PIXELS];
    const uint64_t seeds[COUNT] = {0, 1, 2, 3};
    for (int i = 0; i < 3 * PIXELS; i++)
        means[i] = i % 2 ? -0.95 : 0.5 * sin(0.1 * (i % PIXELS) * (i / PIXELS + 1));
    for (int i = 0; i < COUNT * PIXELS; i++) {
        double value = 127.5 * (means[i % (3 * PIXELS)] + 1);
        if (i >= 3 * PIXELS) value += 20 * sin(7.0 * (i % PIXELS));
        pixels[i] = (unsigned char)fmin(fmax(value, 0), 255);
    }
    MixtureData data = {
        .dims = PIXELS, .modes = 3, .weights = weights, .means = means, .stds = stds};
    Denoiser d = mixture_denoiser(&data);
    for (int k = 0; k < PROCESSES; k++) {
        Process p = process_of(&every_process[(ProcessKind)k]);
        LikelihoodRun exact = flow(&p, 1e-9), usual = exact;
        Likelihood want[COUNT], got[COUNT];
        const Option *tolerance = command_nll.options;
        while (strcmp(tolerance->name, "tolerance") != 0) tolerance++;
        usual.tolerance = strtod(tolerance->otherwise, NULL);
        EXPECT(flow_likelihood(&exact, &d, COUNT, pixels, seeds, want, NULL));
        EXPECT(flow_likelihood(&usual, &d, COUNT, pixels, seeds, got, NULL));
        for (int i = 0; i < COUNT; i++)
            EXPECT_NEAR(got[i].bits_per_dim, want[i].bits_per_dim, 1e-4);
    }
}

/* ---- images ---- */

enum { IMAGES = 5, DIMS = 12 };
static const double wave_weights[2] = {0.5, 0.5};
static double wave_means[2 * DIMS];
static const double wave_stds[2] = {0.2, 0.3};

static MixtureData waves(void)
{
    for (int i = 0; i < DIMS; i++) {
        wave_means[i] = 0.5 * sin(i);
        wave_means[DIMS + i] = -0.4 * cos(i);
    }
    return (MixtureData){
        .dims = DIMS, .modes = 2, .weights = wave_weights, .means = wave_means, .stds = wave_stds};
}

static void make_images(unsigned char *pixels, uint64_t *seeds)
{
    for (int i = 0; i < IMAGES; i++) {
        seeds[i] = 70 + (uint64_t)i;
        for (int k = 0; k < DIMS; k++)
            pixels[i * DIMS + k] = (unsigned char)(128 + 60 * sin(k + 0.2 * i));
    }
}

TEST(an_image_scores_the_same_bits_in_any_batch_and_with_any_number_of_threads)
{
    MixtureData data = waves();
    Denoiser d = mixture_denoiser(&data);
    Process p = process_of(&every_process[PROCESS_VP]);
    unsigned char pixels[IMAGES * DIMS];
    uint64_t seeds[IMAGES];
    make_images(pixels, seeds);
    LikelihoodRun run = flow(&p, 1e-5);
    run.probes = 3, run.draws = 2;
    Likelihood alone[IMAGES], together[IMAGES];
    for (int i = 0; i < IMAGES; i++) {
        EXPECT(flow_likelihood(&run, &d, 1, pixels + i * DIMS, seeds + i, alone + i, NULL));
        EXPECT(alone[i].standard_error > 0);
        EXPECT_INT((long long)alone[i].dims, DIMS);
        EXPECT(alone[i].network_calls >= 2 * 3 * 20 && alone[i].network_calls % 3 == 0);
    }
    FOR_THREADS(threads)
    {
        EXPECT_INT(parallel_threads(), threads);
        EXPECT(flow_likelihood(&run, &d, IMAGES, pixels, seeds, together, NULL));
        for (int i = 0; i < IMAGES; i++) {
            EXPECT_SAME(&together[i].nats, &alone[i].nats, sizeof(double));
            EXPECT_INT(together[i].network_calls, alone[i].network_calls);
        }
    }
}

TEST(the_standard_error_is_the_spread_over_seeds)
{
    enum { SEEDS = 300 };
    MixtureData data = waves();
    Denoiser d = mixture_denoiser(&data);
    Process p = process_of(&every_process[PROCESS_VP]);
    unsigned char pixels[IMAGES * DIMS];
    uint64_t unused[IMAGES];
    make_images(pixels, unused);
    LikelihoodRun run = flow(&p, 1e-4);
    run.draws = 4;
    double sum = 0, square = 0, claimed = 0;
    for (uint64_t s = 0; s < SEEDS; s++) {
        Likelihood l;
        EXPECT(flow_likelihood(&run, &d, 1, pixels, &s, &l, NULL));
        sum += l.bits_per_dim / SEEDS;
        square += l.bits_per_dim * l.bits_per_dim / SEEDS;
        claimed += l.standard_error * l.standard_error / SEEDS;
    }
    EXPECT_NEAR(claimed / (square - sum * sum), 1, 0.3);
    /* One draw with one probe knows nothing of its error. */
    uint64_t seed = 1;
    Likelihood l;
    run.draws = 1;
    EXPECT(flow_likelihood(&run, &d, 1, pixels, &seed, &l, NULL));
    EXPECT(isnan(l.standard_error));
}

/* Sampled from the model, images cost no less by the bound of its chain than by its flow. */
TEST(the_bound_lies_above_the_flow_on_the_same_model)
{
    enum { SAMPLES = 40 };
    GaussianData data = {.dims = DIMS, .mean = 0.1, .std = 0.3};
    Denoiser d = gaussian_denoiser(&data);
    Process p = process_of(&every_process[PROCESS_DDPM]);
    LikelihoodRun run = flow(&p, 1e-4);
    LikelihoodRun bound = {
        .process = &p, .calls = 200, .batch = 200, .clip = true, .clip_range = 1};
    double difference = 0, square = 0;
    run.draws = 4;
    for (uint64_t s = 0; s < SAMPLES; s++) {
        unsigned char pixels[DIMS];
        double x0[DIMS];
        float *z = test_random(DIMS, (unsigned)s, 1);
        for (int i = 0; i < DIMS; i++) {
            double level = 127.5 + 127.5 * (data.mean + data.std * (double)z[i]);
            pixels[i] = (unsigned char)fmin(fmax(rint(level), 0), 255);
            x0[i] = pixel_value(&model_pixels, pixels[i]);
        }
        ImageSeeds seeds = {.seeds = &s};
        NoiseSource noise = likelihood_noise(&seeds);
        Likelihood by_flow, by_bound;
        EXPECT(flow_likelihood(&run, &d, 1, pixels, &s, &by_flow, NULL));
        EXPECT(bound_run(&bound, &d, &noise, 1, x0, &by_bound, NULL, NULL));
        double more = by_bound.bits_per_dim - by_flow.bits_per_dim;
        difference += more / SAMPLES;
        square += more * more / SAMPLES;
    }
    double error = sqrt((square - difference * difference) / SAMPLES);
    EXPECT(difference > 5 * error);
    EXPECT(difference < 1);
}

static bool stop_at_once(void *context, long predictions)
{
    *(long *)context = predictions;
    return false;
}

TEST(flows_that_cannot_be_are_refused_in_words)
{
    Process p = process_of(&every_process[PROCESS_VP]);
    Denoiser d = gaussian_denoiser(&half), blind = d;
    uint64_t seed = 1, draw = 0;
    unsigned char pixel = 100;
    double x = 0.3, log_p;
    long seen = 0;
    Likelihood result;
    Err err = {0};
    LikelihoodRun run = flow(&p, 1e-5);
    run.call_limit = 30;
    EXPECT_REFUSED(flow_log_density(&run, &d, 1, &x, &seed, &draw, &log_p, NULL, &err), err,
                   ERR_LIMIT, "tolerance 1e-05");
    run = flow(&p, 1e-5);
    run.progress = stop_at_once, run.progress_context = &seen;
    EXPECT(!flow_log_density(&run, &d, 1, &x, &seed, &draw, &log_p, NULL, &err));
    EXPECT_INT(err.kind, ERR_INTERRUPTED);
    EXPECT_INT(seen, 1);
    run = flow(&p, 0);
    EXPECT_REFUSED(flow_log_density(&run, &d, 1, &x, &seed, &draw, &log_p, NULL, &err), err,
                   ERR_USAGE, "tolerance is 0");
    run = flow(&p, 1e-5);
    run.probes = 0;
    EXPECT_REFUSED(flow_log_density(&run, &d, 1, &x, &seed, &draw, &log_p, NULL, &err), err,
                   ERR_USAGE, "0 probes");
    run.probes = 1, run.draws = 0;
    EXPECT_FAILS(flow_likelihood(&run, &d, 1, &pixel, &seed, &result, &err), err, "0 draws");
    run = flow(&p, 1e-5);
    blind.predict_vjp = NULL;
    EXPECT_REFUSED(flow_log_density(&run, &blind, 1, &x, &seed, &draw, &log_p, NULL, &err), err,
                   ERR_USAGE, "differentiated");
    NoiseConfig single = every_process[PROCESS_DDPM];
    single.T = 1;
    p = process_of(&single);
    run = flow(&p, 1e-5);
    EXPECT_REFUSED(flow_log_density(&run, &d, 1, &x, &seed, &draw, &log_p, NULL, &err), err,
                   ERR_USAGE, "this model has 1 step");
}
