/* Probabilities of pixels: the decoder, Gaussians, dequantised pixels and draws. */
#include "diffusion/protocol.h"
#include "processes.h"
#include "test.h"

static const double LOG_TWO_PI = 1.83787706640934548356;

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

static double normal_below(double z)
{
    return 0.5 * erfc(-z * sqrt(0.5));
}
static double normal_density(double z)
{
    return exp(-0.5 * z * z) / sqrt(2 * acos(-1));
}

/* Of a normal z between low and high: the mean is (phi(low) - phi(high)) / P. */
TEST(pixels_with_noise_are_the_noise_that_rounds_to_them)
{
    enum { N = 20000 };
    static unsigned char pixels[N];
    static double x[N];
    static const NoiseLevel levels[] = {{.alpha = 1, .sigma = 0.001},
                                        {.alpha = 0.99, .sigma = 0.004},
                                        {.alpha = 1, .sigma = 0.01},
                                        {.alpha = 1, .sigma = 3}};
    static const int greys[] = {0, 1, 100, 255};
    for (size_t k = 0; k < 16; k++) {
        NoiseLevel level = levels[k / 4];
        int grey = greys[k % 4];
        double half = level.alpha / 255 / level.sigma, mean = 0;
        double low = grey == 0 ? -HUGE_VAL : -half, high = grey == 255 ? HUGE_VAL : half;
        double share = normal_below(high) - normal_below(low), log_q = 0;
        for (int i = 0; i < N; i++) pixels[i] = (unsigned char)grey;
        double told = pixels_with_noise(&model_pixels, pixels, N, level, 7, 3, x);
        for (int i = 0; i < N; i++) {
            double z = (x[i] - level.alpha * pixel_value(&model_pixels, grey)) / level.sigma;
            EXPECT(z > low - 1e-9 && z < high + 1e-9);
            mean += z / N;
            log_q += log(normal_density(z) / share / level.sigma);
        }
        EXPECT_NEAR(mean, (normal_density(low) - normal_density(high)) / share, 5 / sqrt(N));
        EXPECT_NEAR(told, log_q, 1e-9 * fabs(log_q));
    }
    pixels_with_noise(&model_pixels, pixels, 100, levels[0], 7, 4, x + 100);
    EXPECT(fabs(x[100] - x[0]) > 0);
}

TEST(quantiles_of_a_bin_invert_its_distribution)
{
    for (int i = 1; i < 100; i++) {
        double u = i / 100.0, half = 1 / 255.0;
        for (double std = 1e-4; std < 10; std *= 7) {
            double inner = decoder_quantile(&model_pixels, model_pixels.low + 20 * half, std, u);
            double below = normal_below(-half / std), all = normal_below(half / std) - below;
            EXPECT_NEAR((normal_below(inner) - below) / all, u, 1e-12);
            double last = decoder_quantile(&model_pixels, model_pixels.high, std, u);
            EXPECT_NEAR((normal_below(last) - below) / (1 - below), u, 1e-12);
        }
    }
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
