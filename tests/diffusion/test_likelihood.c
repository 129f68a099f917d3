/* Decoder, KL, dequantisation and the variational bound against closed forms. */

#include "base/mem.h"
#include "base/parallel.h"
#include "diffusion/protocol.h"
#include "exact_denoiser.h"
#include "processes.h"
#include "test.h"

static const double LOG_TWO_PI = 1.83787706640934548356;

static Process ddpm(int T)
{
    return process_of(&(NoiseConfig){.kind = PROCESS_DDPM,
                                     .T = T,
                                     .schedule = SCHEDULE_LINEAR,
                                     .beta_start = 0.1 / T,
                                     .beta_end = 20.0 / T});
}

/* ---- decoder ---- */

static double sum_of_levels(const PixelRange *range, double mean, double std)
{
    double sum = 0;
    for (int i = 0; i < range->levels; i++)
        sum += exp(decoder_log_probability(range, pixel_value(range, i), mean, std));
    return sum;
}

TEST(decoder_probabilities_of_all_levels_sum_to_one_for_every_mean_and_scale)
{
    static const PixelRange ranges[] = {{256, -1, 1}, {256, 0, 1}, {2, -1, 1}, {16, -3, 5}};
    static const double stds[] = {1e-9, 1e-4, 1e-3, 0.0039, 0.02, 0.3, 1, 40, 1e5};
    for (size_t r = 0; r < sizeof ranges / sizeof *ranges; r++)
        for (size_t k = 0; k < sizeof stds / sizeof *stds; k++)
            for (double mean = -9; mean <= 9; mean += 0.37)
                EXPECT_NEAR(sum_of_levels(&ranges[r], mean, stds[k]), 1, 1e-11);
}

TEST(decoder_has_its_published_values)
{
    double middle = pixel_value(&model_pixels, 128);
    EXPECT_NEAR(decoder_log_probability(&model_pixels, middle, 0, 0.1), -3.4654946, 1e-7);
}

/* Far out, ln of the integral of the density over the bin, by Simpson's rule relative to the
 * density at the nearer edge. */
static double bin_by_quadrature(double x, double mean, double std)
{
    enum { PARTS = 20000 };
    double low = (x - 1.0 / 255 - mean) / std, high = (x + 1.0 / 255 - mean) / std, sum = 0;
    double top = low > 0 ? low : high < 0 ? high : 0, h = (high - low) / PARTS;
    for (int i = 0; i <= PARTS; i++) {
        double z = low + h * i;
        double weight = i == 0 || i == PARTS ? 1 : i % 2 ? 4 : 2;
        sum += weight * exp(0.5 * (top * top - z * z));
    }
    return log(sum * h / 3) - 0.5 * (top * top + LOG_TWO_PI);
}

TEST(decoder_is_accurate_in_the_tails_and_the_same_from_both_sides)
{
    static const double stds[] = {0.02, 0.1, 1, 10};
    for (size_t k = 0; k < sizeof stds / sizeof *stds; k++)
        for (double far = 0; far < 60; far += 0.83) {
            double x = pixel_value(&model_pixels, 100), mean = x - far * stds[k];
            double want = bin_by_quadrature(x, mean, stds[k]);
            double got = decoder_log_probability(&model_pixels, x, mean, stds[k]);
            EXPECT_NEAR(got, want, 1e-9 * fmax(1, fabs(want)));
            EXPECT_NEAR(decoder_log_probability(&model_pixels, -x, -mean, stds[k]), got,
                        1e-12 * fmax(1, fabs(got)));
        }
    /* A bin of either end reaches to infinity. */
    EXPECT_NEAR(decoder_log_probability(&model_pixels, 1, 50, 0.1), 0, 0);
    EXPECT_NEAR(decoder_log_probability(&model_pixels, -1, -50, 0.1), 0, 0);
    EXPECT(decoder_log_probability(&model_pixels, -1, 50, 0.1) < -1e5);
}

/* ---- Gaussians and pixels ---- */

TEST(divergences_of_gaussians_have_their_closed_forms)
{
    EXPECT_NEAR(gaussian_kl(0, 1, 1, 4), 0.44314718, 5e-9);
    EXPECT_NEAR(gaussian_kl(0.5, 0.01, 0.4, 0.02), 0.34657359, 5e-9);
    EXPECT_NEAR(gaussian_kl(0, 1e-4, 0, 2e-4), 0.09657359, 5e-9);
    float *z = test_random(4000, 1, 3);
    for (int i = 0; i < 4000; i += 4) {
        double m1 = (double)z[i], m2 = (double)z[i + 1];
        double v1 = exp((double)z[i + 2]), v2 = exp((double)z[i + 3]);
        double kl = gaussian_kl(m1, v1, m2, v2);
        EXPECT(kl >= 0);
        EXPECT_NEAR(kl, 0.5 * (-1 + log(v2 / v1) + v1 / v2 + (m1 - m2) * (m1 - m2) / v2),
                    1e-13 * (1 + kl + v1 / v2));
        EXPECT_NEAR(gaussian_kl(m1, v1, m1, v1), 0, 0);
    }
}

TEST(the_prior_of_the_thousand_step_chain_costs_almost_nothing)
{
    Process p = process_of(&(NoiseConfig){.kind = PROCESS_DDPM,
                                          .T = 1000,
                                          .schedule = SCHEDULE_LINEAR,
                                          .beta_start = 1e-4,
                                          .beta_end = 0.02});
    double one = 1, zero = 0;
    EXPECT_NEAR(prior_kl(&p, &one, 1) / log(2), 2.9113e-5, 1e-9);
    EXPECT_NEAR(prior_kl(&p, &zero, 1) / log(2), 5.9e-10, 1e-11);
}

TEST(a_uniform_density_takes_exactly_eight_bits_in_every_range)
{
    static const PixelRange ranges[] = {{256, -1, 1}, {256, 0, 1}, {256, -3, 5}};
    for (size_t k = 0; k < sizeof ranges / sizeof *ranges; k++) {
        double density = -784 * log(ranges[k].high - ranges[k].low);
        double nats = pixel_nats(&ranges[k], density, 784);
        Likelihood l = likelihood_of(estimate_of(&nats, 1), 784, 1);
        EXPECT_NEAR(l.bits_per_dim, 8, 1e-12);
        EXPECT(isnan(l.standard_error));
    }
    EXPECT_NEAR(pixel_bits(&model_pixels), 7, 0);
}

TEST(dequantised_pixels_fill_their_level_evenly_and_follow_seed_and_draw)
{
    enum { N = 20000 };
    static unsigned char pixels[N];
    static double x[N], again[N];
    double sum = 0, square = 0;
    for (int i = 0; i < N; i++) pixels[i] = (unsigned char)(i % 256);
    pixels_dequantise(&model_pixels, pixels, N, 7, 3, x);
    for (int i = 0; i < N; i++) {
        double u = (x[i] + 1) * 128 - pixels[i];
        EXPECT(u > 0 && u < 1);
        sum += u;
        square += u * u;
    }
    EXPECT_NEAR(sum / N, 0.5, 5 * sqrt(1.0 / 12 / N));
    EXPECT_NEAR(square / N, 1.0 / 3, 5 * sqrt(4.0 / 45 / N));
    pixels_dequantise(&model_pixels, pixels, 100, 7, 3, again);
    EXPECT_SAME(x, again, 100 * sizeof *x);
    pixels_dequantise(&model_pixels, pixels, 100, 7, 4, again);
    EXPECT(fabs(x[0] - again[0]) > 0);
    pixels_dequantise(&model_pixels, pixels, 100, 8, 3, again);
    EXPECT(fabs(x[0] - again[0]) > 0);
}

TEST(the_seed_of_an_image_changes_with_each_pixel_and_with_the_given_seed)
{
    unsigned char pixels[64] = {0};
    uint64_t base = likelihood_seed(3, pixels, 64);
    EXPECT(likelihood_seed(3, pixels, 64) == base);
    EXPECT(likelihood_seed(4, pixels, 64) != base);
    EXPECT(likelihood_seed(3 + ((uint64_t)1 << 60), pixels, 64) != base);
    for (int i = 0; i < 64; i++) {
        pixels[i] = 1;
        EXPECT(likelihood_seed(3, pixels, 64) != base);
        pixels[i] = 0;
    }
}

TEST(draws_give_their_mean_and_its_standard_error)
{
    double nats[4] = {10, 12, 14, 16};
    Likelihood l = likelihood_of(estimate_of(nats, 4), 5, 40);
    EXPECT_NEAR(l.nats, 13, 1e-12);
    EXPECT_NEAR(l.bits_per_dim, 13 / (5 * log(2)), 1e-12);
    EXPECT_NEAR(l.standard_error, sqrt(20.0 / 3 / 4) / (5 * log(2)), 1e-12);
    EXPECT_INT(l.network_calls, 40);
}

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
    Process p = ddpm(100);
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
    Process p = ddpm(200);
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
    Process p = ddpm(1000);
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
    Process p = ddpm(50);
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
    Process p = ddpm(1000);
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
    Process p = ddpm(100);
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

/* ---- exact ---- */

static bool exact_run(const LikelihoodRun *run, const DensityModel *model, int count,
                      const unsigned char *pixels, const uint64_t *seeds, Likelihood *results,
                      Err *err)
{
    ScoredImages images = {.count = count, .pixels = pixels, .seeds = seeds};
    return protocol_exact.score(run, &(LikelihoodModel){.density = *model}, &images, results, err);
}

/* A model that knows the density of Gaussian data at every level. */
static bool gaussian_density(void *context, int count, const double *x, const NoiseLevel *levels,
                             int stride, double *log_p, Err *err)
{
    const GaussianData *data = context;
    (void)err;
    for (int i = 0; i < count; i++) {
        NoiseLevel l = levels[i * stride];
        double std = hypot(l.alpha * data->std, l.sigma);
        log_p[i] = 0;
        for (size_t k = 0; k < data->dims; k++) {
            double centred = x[(size_t)i * data->dims + k] - l.alpha * data->mean;
            log_p[i] += gaussian_log_density(&centred, 1, std);
        }
    }
    return true;
}

/* Dequantised and averaged, the exact density costs at least the information of the pixels and,
 * where it is smooth, hardly more. */
TEST(exact_likelihood_of_a_smooth_density_is_the_information_of_the_pixels)
{
    GaussianData data = {.dims = DIMS, .mean = 0.5, .std = 0.25};
    DensityModel model = {.context = &data, .dims = DIMS, .log_density = gaussian_density};
    LikelihoodRun run = {.level = {.alpha = 1}, .dequantise = true, .draws = 50};
    static unsigned char pixels[2 * DIMS];
    uint64_t seeds[2] = {5, 6};
    Likelihood both[2], second;
    for (int i = 0; i < 2 * DIMS; i++) pixels[i] = (unsigned char)(150 + 3 * i);
    EXPECT(exact_run(&run, &model, 2, pixels, seeds, both, NULL));
    EXPECT(exact_run(&run, &model, 1, pixels + DIMS, seeds + 1, &second, NULL));
    EXPECT_SAME(&second.nats, &both[1].nats, sizeof(double));
    EXPECT_INT(second.network_calls, 50);
    for (int i = 0; i < 2; i++) {
        double nats = 0;
        for (int k = 0; k < DIMS; k++) {
            double low = -1 + pixels[i * DIMS + k] / 128.0;
            nats -= log(0.5 * (erf((low + 1.0 / 128 - 0.5) / 0.25 * sqrt(0.5)) -
                               erf((low - 0.5) / 0.25 * sqrt(0.5))));
        }
        EXPECT_NEAR(both[i].nats, nats, 0.01 + 5 * both[i].standard_error * DIMS * log(2));
        EXPECT(both[i].standard_error > 0 && both[i].standard_error < 0.01);
    }
    Err err = {0};
    run.draws = 0;
    EXPECT(!exact_run(&run, &model, 1, pixels, seeds, both, &err));
    EXPECT_INT(err.kind, ERR_USAGE);
}

/* A pixel of 256 values in [-1, 1] that are taken as they are lies 2/255 from the next: 6.9944 bits
 * between its density and its probability. */
TEST(exact_likelihood_of_values_as_they_are_has_their_own_offset_and_one_call)
{
    GaussianData data = {.dims = DIMS, .mean = 0.5, .std = 0.25};
    DensityModel model = {.context = &data, .dims = DIMS, .log_density = gaussian_density};
    LikelihoodRun run = {.level = {.alpha = 1}, .draws = 1};
    static unsigned char pixels[DIMS];
    uint64_t seed = 5;
    Likelihood result;
    double want = DIMS * 6.99435343685886 * log(2);
    for (int i = 0; i < DIMS; i++) {
        pixels[i] = (unsigned char)(150 + 3 * i);
        double e = pixels[i] / 127.5 - 1 - 0.5;
        want += 0.5 * (e * e / 0.0625 + log(0.0625) + 1.8378770664093453);
    }
    EXPECT(exact_run(&run, &model, 1, pixels, &seed, &result, NULL));
    EXPECT_NEAR(result.nats, want, 1e-9);
    EXPECT_INT(result.network_calls, 1);
    EXPECT(isnan(result.standard_error));
}

/* The image plus noise of sigma / alpha is wider by that, and scored at noisy places: on average over
 * the noise, E of (e + noise)^2. Its pixels are taken as they are, 2/255 apart, whether or not clean
 * images would be dequantised. */
TEST(exact_likelihood_at_a_noisy_level_is_that_of_the_image_as_it_is_with_its_noise)
{
    enum { DRAWS = 400 };
    GaussianData data = {.dims = DIMS, .mean = 0.5, .std = 0.25};
    DensityModel model = {.context = &data, .dims = DIMS, .log_density = gaussian_density};
    LikelihoodRun run = {.level = {.alpha = 0.6, .sigma = 0.8}, .dequantise = true, .draws = DRAWS};
    static unsigned char pixels[DIMS];
    uint64_t seed = 5;
    Likelihood result, same;
    double v = 0.0625 + 0.64 / 0.36, want = 0;
    for (int i = 0; i < DIMS; i++) {
        pixels[i] = (unsigned char)(150 + 3 * i);
        double e = pixels[i] / 127.5 - 1 - 0.5;
        want += 0.5 * ((e * e + 0.64 / 0.36) / v + log(v) + 1.8378770664093453) + log(127.5);
    }
    EXPECT(exact_run(&run, &model, 1, pixels, &seed, &result, NULL));
    EXPECT_NEAR(result.nats, want, 5 * result.standard_error * DIMS * log(2));
    EXPECT(result.standard_error > 0 && result.standard_error < 0.1);
    EXPECT_INT(result.network_calls, DRAWS);
    run.dequantise = false;
    EXPECT(exact_run(&run, &model, 1, pixels, &seed, &same, NULL));
    EXPECT(same.nats == result.nats);
}

/* Noise alone is scored by the standard normal density per level of grey, and the image has no part. */
TEST(exact_likelihood_of_noise_alone_is_the_standard_normal_density_per_level_of_grey)
{
    GaussianData data = {.dims = DIMS, .mean = 0.5, .std = 0.25};
    DensityModel model = {.context = &data, .dims = DIMS, .log_density = gaussian_density};
    LikelihoodRun run = {.level = {.alpha = 0, .sigma = 1}, .dequantise = true, .draws = 3};
    static unsigned char pixels[2][DIMS];
    uint64_t seed = 5;
    Likelihood result[2];
    double want = 0, eps[DIMS];
    for (uint64_t k = 0; k < 3; k++) {
        ImageSeeds seeds = {.seeds = &seed};
        NoiseSource noise = likelihood_noise(&seeds);
        noise.normals(noise.context, 0, k, DIMS, eps);
        for (int i = 0; i < DIMS; i++)
            want += (0.5 * (eps[i] * eps[i] + log(2 * acos(-1))) + log(127.5)) / 3;
    }
    for (int i = 0; i < DIMS; i++) pixels[1][i] = (unsigned char)(150 + 3 * i);
    for (int i = 0; i < 2; i++) {
        EXPECT(exact_run(&run, &model, 1, pixels[i], &seed, &result[i], NULL));
        EXPECT_NEAR(result[i].nats, want, 1e-9);
        EXPECT_NEAR(result[i].bits_per_dim, want / (DIMS * log(2)), 1e-12);
    }
}

typedef struct {
    GaussianData data;
    double seen[DIMS];
} Listener;

static bool listen(void *context, int count, const double *x, const NoiseLevel *levels, int stride,
                   double *log_p, Err *err)
{
    Listener *l = context;
    memcpy(l->seen, x, sizeof l->seen);
    return gaussian_density(&l->data, count, x, levels, stride, log_p, err);
}

/* Noise a hundredth of a level of grey wide does not hide what else was added, and the density of x,
 * without alpha, is off by d ln alpha. */
TEST(exact_likelihood_at_a_noisy_level_adds_that_noise_and_no_other)
{
    Listener listener = {.data = {.dims = DIMS, .mean = 0.5, .std = 0.25}};
    DensityModel model = {.context = &listener, .dims = DIMS, .log_density = listen};
    const double sigma = 1e-4, alpha = 0.5;
    LikelihoodRun run = {.level = {.alpha = alpha, .sigma = sigma}, .dequantise = true, .draws = 1};
    static unsigned char pixels[DIMS];
    uint64_t seed = 5;
    Likelihood result;
    double want = 0, std = hypot(alpha * 0.25, sigma);
    for (int i = 0; i < DIMS; i++) pixels[i] = (unsigned char)(150 + 3 * i);
    EXPECT(exact_run(&run, &model, 1, pixels, &seed, &result, NULL));
    for (int i = 0; i < DIMS; i++) {
        double x = listener.seen[i], e = x - alpha * 0.5;
        EXPECT_NEAR(x, alpha * (pixels[i] / 127.5 - 1), 6 * sigma);
        EXPECT(x != alpha * (pixels[i] / 127.5 - 1));
        want += 0.5 * (e * e / (std * std) + 1.8378770664093453) + log(std);
        want += log(127.5) - log(alpha);
    }
    EXPECT_NEAR(result.nats, want, 1e-9);
    EXPECT(isnan(result.standard_error));
}
