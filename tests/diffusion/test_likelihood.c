/* Decoder, KL, dequantisation and the variational bound against closed forms. */

#include "base/mem.h"
#include "base/parallel.h"
#include "diffusion/protocol.h"
#include "exact_denoiser.h"
#include "processes.h"
#include "test.h"

static const double LOG_TWO_PI = 1.83787706640934548356;

/* ---- bound ---- */

static const GaussianData half = {.dims = 1, .mean = 0.5, .std = 0.25};

/* z = 1 for even images, -1 for odd ones: the terms of an affine denoiser are quadratic in x0 and
 * z, so their expectation over normal x0 and z is the mean over m +- s and +- 1. */
static void signs(void *context, int image, uint64_t draw, size_t dims, double *z)
{
    (void)context, (void)draw;
    for (size_t i = 0; i < dims; i++) z[i] = image % 2 ? -1 : 1;
}

/* Sum of the expected terms of steps 1 .. T-1, in nats. */
static double expected_steps(const LikelihoodRun *run, double *prior)
{
    enum { IMAGES = 4 };
    const double x0[IMAGES] = {0.25, 0.25, 0.75, 0.75};
    int T = run->process->T;
    double *terms = mem_doubles(IMAGES * ((size_t)T + 1)), sum = 0;
    Likelihood results[IMAGES];
    Denoiser d = gaussian_denoiser(&half);
    NoiseSource noise = {.normals = signs};
    Err err = {0};
    EXPECT(bound_run(run, &d, &noise, IMAGES, x0, results, terms, &err));
    *prior = 0;
    for (int i = 0; i < IMAGES; i++) {
        for (int t = 1; t < T; t++) sum += terms[i * (T + 1) + t] / IMAGES;
        *prior += terms[i * (T + 1) + T] / IMAGES;
    }
    mem_free(terms);
    return sum;
}

TEST(bound_of_a_gaussian_closes_on_its_entropy)
{
    Process p = process_of(&(NoiseConfig){.kind = PROCESS_DDPM,
                                          .T = 1000,
                                          .schedule = SCHEDULE_LINEAR,
                                          .beta_start = 1e-4,
                                          .beta_end = 0.02});
    double s2 = half.std * half.std, variances[1000], prior;
    /* The optimal variance adds that of x0 given x_t. */
    for (int t = 0; t < 1000; t++) {
        NoiseLevel level = process_level(&p, t);
        PosteriorStep q = posterior_step(level, process_level(&p, t - 1));
        double noise = level.sigma * level.sigma, total = level.alpha * level.alpha * s2 + noise;
        variances[t] = q.variance_small + q.c_x0 * q.c_x0 * s2 * noise / total;
    }
    LikelihoodRun run = {.process = &p, .batch = 64, .variances = variances};
    double steps = expected_steps(&run, &prior);
    EXPECT_NEAR(steps, 3.219624, 1e-6);
    EXPECT_NEAR(prior, 6.3064e-6, 1e-9);
    /* In place of the decoder, the entropy of x0 given the first latent. */
    double decoder = 0.5 * (1 + LOG_TWO_PI + log(variances[0]));
    EXPECT_NEAR(decoder, -3.186981, 1e-6);
    double entropy = 0.5 * (1 + LOG_TWO_PI + log(s2));
    EXPECT_NEAR(steps + prior + decoder, 0.0326492, 1e-6);
    EXPECT_NEAR(steps + prior + decoder, entropy, 1e-5);
    run.variances = NULL;
    run.variance = VARIANCE_SMALL;
    EXPECT_NEAR(expected_steps(&run, &prior), 3.659800, 1e-6);
}

/* The chain of SMLD closes too, though its prior is far from the noised data. */
TEST(bound_of_a_gaussian_closes_on_its_entropy_for_score_matching_chains)
{
    Process p = process_of(
        &(NoiseConfig){.kind = PROCESS_SMLD, .levels = 4000, .sigma_min = 0.01, .sigma_max = 30});
    double s2 = half.std * half.std, prior, *variances = mem_doubles(4000);
    for (int t = 0; t < 4000; t++) {
        NoiseLevel level = process_level(&p, t);
        PosteriorStep q = posterior_step(level, process_level(&p, t - 1));
        double noise = level.sigma * level.sigma;
        variances[t] = q.variance_small + q.c_x0 * q.c_x0 * s2 * noise / (s2 + noise);
    }
    LikelihoodRun run = {.process = &p, .batch = 64, .variances = variances};
    double steps = expected_steps(&run, &prior);
    double decoder = 0.5 * (1 + LOG_TWO_PI + log(variances[0]));
    EXPECT_NEAR(prior, 0.5 * (0.25 + s2) / 900, 1e-12);
    /* What is left is the distance of N(m, s^2 + smax^2) from the prior, and the steps' bends. */
    EXPECT_NEAR(steps + prior + decoder, 0.5 * (1 + LOG_TWO_PI + log(s2)), 2e-3);
    mem_free(variances);
}

/* Variances fitted on samples of the data are the optimal ones, and so is the bound. */
TEST(fitted_variances_are_the_optimal_ones)
{
    enum { SAMPLES = 48, SIZE = 64, T = 1000 };
    Process p = process_of(&(NoiseConfig){.kind = PROCESS_DDPM,
                                          .T = T,
                                          .schedule = SCHEDULE_LINEAR,
                                          .beta_start = 1e-4,
                                          .beta_end = 0.02});
    GaussianData data = {.dims = SIZE, .mean = 0.5, .std = 0.25};
    Denoiser d = gaussian_denoiser(&data);
    static double x0[SAMPLES * SIZE], variances[T];
    uint64_t seed[SAMPLES];
    float *z = test_random(SAMPLES * SIZE, 8, 1);
    for (int i = 0; i < SAMPLES * SIZE; i++) x0[i] = data.mean + data.std * (double)z[i];
    for (int i = 0; i < SAMPLES; i++) seed[i] = (uint64_t)i;
    ImageSeeds seeds = {.seeds = seed};
    NoiseSource noise = likelihood_noise(&seeds);
    static const int calls[] = {100, 0};
    for (int k = 0; k < 2; k++) {
        LikelihoodRun run = {.process = &p, .batch = 64, .calls = calls[k]};
        Err err = {0};
        EXPECT(bound_fit_variances(&run, &d, &noise, SAMPLES, x0, variances, &err));
        for (int t = 0; t < T; t++) {
            NoiseLevel level = process_level(&p, t);
            PosteriorStep q = posterior_step(level, process_level(&p, t - 1));
            double s2 = data.std * data.std, n2 = level.sigma * level.sigma;
            double rest = s2 * n2 / (level.alpha * level.alpha * s2 + n2);
            double best = q.variance_small + q.c_x0 * q.c_x0 * rest;
            EXPECT_NEAR(variances[t] / best, 1, k ? 0.15 : 0.08);
        }
        double prior;
        LikelihoodRun fitted = {.process = &p, .batch = 64, .variances = variances};
        EXPECT_NEAR(expected_steps(&fitted, &prior), 3.219624, 3e-3);
    }
}

/* eps such that the predicted x0 is 0.1. */
static bool predict_a_tenth(void *context, int count, const double *x, const NoiseLevel *levels,
                            int stride, double *eps, Err *err)
{
    (void)context, (void)err;
    for (int i = 0; i < count; i++)
        eps[i] = eps_from_prediction(PREDICT_X0, levels[i * stride], x[i], 0.1);
    return true;
}

TEST(a_term_is_half_the_loss_of_signal_to_noise_times_the_squared_error)
{
    Process p = process_of(&(NoiseConfig){.kind = PROCESS_DDPM,
                                          .T = 1000,
                                          .schedule = SCHEDULE_LINEAR,
                                          .beta_start = 1e-4,
                                          .beta_end = 0.02});
    double x0 = 0.3, terms[1001];
    Likelihood result;
    Denoiser d = {.dims = 1, .predict = predict_a_tenth};
    NoiseSource noise = {.normals = signs};
    LikelihoodRun run = {.process = &p, .batch = 64};
    EXPECT(bound_run(&run, &d, &noise, 1, &x0, &result, terms, NULL));
    EXPECT_NEAR(terms[400], 4.85145877e-5, 5e-13);
    for (int t = 1; t < 1000; t++) {
        double above = exp(2 * level_logsnr(process_level(&p, t - 1)));
        double here = exp(2 * level_logsnr(process_level(&p, t)));
        EXPECT_NEAR(terms[t], 0.5 * (above - here) * 0.04, 1e-9 * terms[t]);
    }
    /* Steps of variance beta differ by the divergence of the variances too. */
    run.variance = VARIANCE_LARGE;
    EXPECT(bound_run(&run, &d, &noise, 1, &x0, &result, terms, NULL));
    PosteriorStep q = posterior_step(process_level(&p, 400), process_level(&p, 399));
    EXPECT_NEAR(terms[400],
                gaussian_kl(q.c_x0 * 0.3, q.variance_small, q.c_x0 * 0.1, q.variance_large), 1e-15);
    /* Step 0 has the small variance of step 1, with either kind. */
    double std = sqrt(posterior_step(process_level(&p, 1), process_level(&p, 0)).variance_small);
    EXPECT_NEAR(std * std, 5.45318766e-5, 1e-13);
    EXPECT_NEAR(terms[0], -decoder_log_probability(&model_pixels, 0.3, 0.1, std), 1e-9);
}

TEST(clipping_bounds_the_predicted_image)
{
    Process p = whole_chain_of(100);
    double x0 = 0.3, terms[101], clipped[101];
    Likelihood result;
    Denoiser d = {.dims = 1, .predict = predict_a_tenth};
    NoiseSource noise = {.normals = signs};
    LikelihoodRun run = {.process = &p, .batch = 64};
    EXPECT(bound_run(&run, &d, &noise, 1, &x0, &result, terms, NULL));
    run.clip = true, run.clip_range = 0.05;
    EXPECT(bound_run(&run, &d, &noise, 1, &x0, &result, clipped, NULL));
    for (int t = 1; t < 100; t++)
        EXPECT_NEAR(clipped[t] / terms[t], 0.25 * 0.25 / (0.2 * 0.2), 1e-9);
    run.clip_range = 1;
    EXPECT(bound_run(&run, &d, &noise, 1, &x0, &result, clipped, NULL));
    EXPECT_SAME(clipped, terms, sizeof terms);
}

/* Images of grey levels near the mean of a Gaussian, and their seeds. */
enum { IMAGES = 6, DIMS = 16 };
static void make_images(double *x0, uint64_t *seeds)
{
    float *z = test_random(IMAGES * DIMS, 5, 1);
    for (int i = 0; i < IMAGES * DIMS; i++) {
        int pixel = (int)(191 + 32 * (double)z[i]);
        x0[i] = pixel_value(&model_pixels, pixel < 0 ? 0 : pixel > 255 ? 255 : pixel);
    }
    for (int i = 0; i < IMAGES; i++) seeds[i] = 100 + (uint64_t)i;
}

static Likelihood score(const LikelihoodRun *run, const double *x0, uint64_t seed)
{
    GaussianData data = {.dims = DIMS, .mean = 0.5, .std = 0.25};
    Denoiser d = gaussian_denoiser(&data);
    ImageSeeds seeds = {.seeds = &seed};
    NoiseSource noise = likelihood_noise(&seeds);
    Likelihood result = {0};
    Err err = {0};
    if (!EXPECT(bound_run(run, &d, &noise, 1, x0, &result, NULL, &err))) abort();
    return result;
}

/* Over many seeds, the estimate's mean is that of the exact sum, and its spread is what the standard
 * errors say. */
static void expect_honest(const LikelihoodRun *run, const double *x0, double want,
                          double want_error, double slack)
{
    enum { SEEDS = 400 };
    double sum = 0, square = 0, claimed = 0;
    for (int s = 0; s < SEEDS; s++) {
        Likelihood l = score(run, x0, (uint64_t)(1000 + s));
        EXPECT_INT(l.network_calls, bound_calls(run));
        sum += l.bits_per_dim / SEEDS;
        square += l.bits_per_dim * l.bits_per_dim / SEEDS;
        claimed += l.standard_error * l.standard_error / SEEDS;
    }
    double variance = (square - sum * sum) * SEEDS / (SEEDS - 1);
    if (want_error >= 0) EXPECT_NEAR(sum, want, 5 * (sqrt(variance / SEEDS) + want_error));
    EXPECT(claimed > variance * (1 - slack) && claimed < variance * (1 + slack));
}

TEST(estimates_from_few_calls_are_unbiased_and_know_their_error)
{
    Process p = whole_chain_of(200);
    double x0[IMAGES * DIMS], mean = 0, square = 0;
    uint64_t seeds[IMAGES];
    make_images(x0, seeds);
    LikelihoodRun run = {.process = &p, .batch = 64, .clip = true, .clip_range = 1};
    for (int s = 0; s < 100; s++) {
        double bits = score(&run, x0, (uint64_t)(9000 + s)).bits_per_dim;
        mean += bits / 100;
        square += bits * bits / 100;
    }
    double error = sqrt((square - mean * mean) / 99);
    expect_honest(&run, x0, mean, error, 0.35);
    static const int calls[] = {4, 5, 12, 41, 100, 399, 1000};
    for (size_t k = 0; k < sizeof calls / sizeof *calls; k++) {
        run.calls = calls[k];
        expect_honest(&run, x0, mean, error, 0.35);
    }
}

TEST(more_calls_make_the_error_smaller)
{
    Process p = whole_chain_of(1000);
    double x0[IMAGES * DIMS];
    uint64_t seeds[IMAGES];
    make_images(x0, seeds);
    LikelihoodRun run = {.process = &p, .batch = 64, .clip = true, .clip_range = 1};
    double before = HUGE_VAL;
    for (int calls = 10; calls <= 160; calls *= 4) {
        double square = 0;
        run.calls = calls;
        for (int s = 0; s < 50; s++) {
            double e = score(&run, x0, (uint64_t)(50 + s)).standard_error;
            square += e * e / 50;
        }
        EXPECT(sqrt(square) < 0.7 * before);
        before = sqrt(square);
    }
}

TEST(an_image_scores_the_same_bits_in_any_batch_and_with_any_number_of_threads)
{
    Process p = whole_chain_of(50);
    GaussianData data = {.dims = DIMS, .mean = 0.5, .std = 0.25};
    Denoiser d = gaussian_denoiser(&data);
    double x0[IMAGES * DIMS];
    uint64_t seeds[IMAGES];
    make_images(x0, seeds);
    for (int calls = 0; calls <= 20; calls += 20) {
        Likelihood alone[IMAGES], together[IMAGES];
        LikelihoodRun run = {.process = &p, .batch = 1, .calls = calls};
        for (int i = 0; i < IMAGES; i++) alone[i] = score(&run, x0 + i * DIMS, seeds[i]);
        FOR_THREADS(threads)
        {
            EXPECT_INT(parallel_threads(), threads);
            for (run.batch = 7; run.batch <= 1000; run.batch += 993) {
                ImageSeeds all = {.seeds = seeds};
                NoiseSource noise = likelihood_noise(&all);
                EXPECT(bound_run(&run, &d, &noise, IMAGES, x0, together, NULL, NULL));
                for (int i = 0; i < IMAGES; i++) {
                    EXPECT_SAME(&together[i].nats, &alone[i].nats, sizeof(double));
                    EXPECT_SAME(&together[i].standard_error, &alone[i].standard_error,
                                sizeof(double));
                }
            }
        }
    }
}

/* The bound lies above -ln P of the data's own distribution, and not far. */
TEST(bound_lies_above_the_true_information_of_the_pixels)
{
    Process p = whole_chain_of(1000);
    GaussianData data = {.dims = DIMS, .mean = 0.5, .std = 0.25};
    double x0[IMAGES * DIMS];
    uint64_t seeds[IMAGES];
    make_images(x0, seeds);
    LikelihoodRun run = {.process = &p, .batch = 64};
    for (int i = 0; i < IMAGES; i++) {
        double nats = 0;
        for (int k = 0; k < DIMS; k++)
            nats -= decoder_log_probability(&model_pixels, x0[i * DIMS + k], data.mean, data.std);
        Likelihood l = score(&run, x0 + i * DIMS, seeds[i]);
        double truth = nats / (DIMS * log(2));
        EXPECT(l.bits_per_dim > truth - 4 * l.standard_error);
        EXPECT_NEAR(l.bits_per_dim, truth, 0.5 + 4 * l.standard_error);
        EXPECT(l.standard_error > 0 && l.standard_error < 0.3);
        EXPECT_INT((long long)l.dims, DIMS);
    }
}

TEST(bounds_that_cannot_be_are_refused_in_words)
{
    static const struct {
        NoiseConfig process;
        int calls;
        bool clip;
        const char *word;
    } rows[] = {
        {{.kind = PROCESS_VE, .sigma_min = 0.01, .sigma_max = 50, .time_min = 1e-5}, 0, 0, "ode"},
        {{.kind = PROCESS_DDPM, .T = 1, .beta_start = 0.1, .beta_end = 0.1}, 0, 0, "two or more"},
        {{.kind = PROCESS_DDPM, .T = 10, .beta_start = 0.1, .beta_end = 0.1}, 3, 0, "4 or more"},
        {{.kind = PROCESS_DDPM, .T = 10, .beta_start = 0.1, .beta_end = 0.1}, 0, 1, "clipping"},
    };
    Denoiser d = gaussian_denoiser(&half);
    NoiseSource noise = {.normals = signs};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        Process p = process_of(&rows[i].process);
        Err err = {0};
        double x0 = 0.5;
        Likelihood result;
        LikelihoodRun run = {
            .process = &p, .calls = rows[i].calls, .clip = rows[i].clip, .batch = 8};
        EXPECT_REFUSED(bound_run(&run, &d, &noise, 1, &x0, &result, NULL, &err), err, ERR_USAGE,
                       rows[i].word);
    }
}

static bool stop_at_once(void *context, long predictions)
{
    *(long *)context = predictions;
    return false;
}

static bool predict_nothing(void *context, int count, const double *x, const NoiseLevel *levels,
                            int stride, double *eps, Err *err)
{
    (void)context, (void)x, (void)levels, (void)stride, (void)err;
    for (int i = 0; i < count; i++) eps[i] = (double)NAN;
    return true;
}

TEST(a_bound_stops_when_asked_and_refuses_what_is_not_finite)
{
    Process p = whole_chain_of(100);
    Denoiser good = gaussian_denoiser(&half), bad = {.dims = 1, .predict = predict_nothing};
    NoiseSource noise = {.normals = signs};
    double x0 = 0.5;
    long seen = 0;
    Likelihood result;
    Err err = {0};
    LikelihoodRun run = {
        .process = &p, .batch = 8, .progress = stop_at_once, .progress_context = &seen};
    EXPECT(!bound_run(&run, &good, &noise, 1, &x0, &result, NULL, &err));
    EXPECT_INT(err.kind, ERR_INTERRUPTED);
    EXPECT_INT(seen, 8);
    run.progress = NULL;
    EXPECT(!bound_run(&run, &bad, &noise, 1, &x0, &result, NULL, &err));
    EXPECT_INT(err.kind, ERR_DIVERGED);
}
