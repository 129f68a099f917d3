/* The error of a model on noise added to a data set, where it has a closed form. */

#include "exact_denoiser.h"
#include "model/denoise.h"
#include "test.h"

enum { SIDE = 8, DIMS = SIDE * SIDE, IMAGES = 21 };

static const GaussianData gaussian = {.dims = DIMS, .mean = 0.25, .std = 0.5};
static const NoiseLevel level = {.alpha = 0.6, .sigma = 0.8, .t = 5, .time = 5};

static void fill(unsigned char *pixels)
{
    for (int i = 0; i < IMAGES * DIMS; i++) pixels[i] = (unsigned char)(i * 7 % 256);
}

static DenoiseScore score_of(unsigned char *pixels, size_t count, uint64_t seed)
{
    Denoiser denoiser = gaussian_denoiser(&gaussian);
    DenoiseData data = {
        .denoiser = &denoiser, .count = count, .pixels = pixels, .level = level, .seed = seed};
    DenoiseScore score = {-1, -1};
    EXPECT(denoise_data(&data, &score, NULL));
    return score;
}

/* With v the variance of x, eps_hat - eps = sigma alpha (x0 - mean) / v + (sigma^2 / v - 1) eps. */
TEST(the_error_of_a_gaussian_denoiser_is_the_closed_form)
{
    static unsigned char pixels[IMAGES * DIMS];
    fill(pixels);
    double v = level.alpha * level.alpha * gaussian.std * gaussian.std + level.sigma * level.sigma;
    double left = level.sigma * level.sigma / v - 1, want = left * left;
    for (int i = 0; i < IMAGES * DIMS; i++) {
        double bias = level.sigma * level.alpha * (pixels[i] / 127.5 - 1 - gaussian.mean) / v;
        want += bias * bias / (IMAGES * DIMS);
    }
    DenoiseScore got = score_of(pixels, IMAGES, 3);
    EXPECT(got.standard_error > 0 && got.standard_error < 0.05 * want);
    EXPECT_NEAR(got.squared_error, want, 5 * got.standard_error);
}

TEST(the_noise_of_an_image_depends_on_the_seed_and_on_nothing_beside_it)
{
    static unsigned char pixels[IMAGES * DIMS], turned[IMAGES * DIMS];
    fill(pixels);
    for (int n = 0; n < IMAGES; n++)
        memcpy(turned + n * DIMS, pixels + (IMAGES - 1 - n) * DIMS, DIMS);
    DenoiseScore straight = score_of(pixels, IMAGES, 3), back = score_of(turned, IMAGES, 3);
    EXPECT_NEAR(straight.squared_error, back.squared_error, 1e-12);
    EXPECT_NEAR(straight.standard_error, back.standard_error, 1e-12);
    EXPECT(fabs(score_of(pixels, IMAGES, 4).squared_error - straight.squared_error) > 1e-6);
}

TEST(the_mean_and_its_standard_error_are_those_of_the_images)
{
    static unsigned char pixels[IMAGES * DIMS];
    double sum = 0, square = 0;
    fill(pixels);
    for (int n = 0; n < IMAGES; n++) {
        DenoiseScore one = score_of(pixels + n * DIMS, 1, 3);
        EXPECT(isnan(one.standard_error));
        sum += one.squared_error;
        square += one.squared_error * one.squared_error;
    }
    DenoiseScore all = score_of(pixels, IMAGES, 3);
    double mean = sum / IMAGES, variance = (square - IMAGES * mean * mean) / (IMAGES - 1);
    EXPECT_NEAR(all.squared_error, mean, 1e-12);
    EXPECT_NEAR(all.standard_error, sqrt(variance / IMAGES), 1e-9);
}
