/* The exact likelihood of models that give a density. */
#include "base/mem.h"
#include "diffusion/protocol.h"
#include "exact_denoiser.h"
#include "processes.h"
#include "test.h"

enum { DIMS = 16 };

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
