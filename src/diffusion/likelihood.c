#include "diffusion/likelihood.h"

#include <math.h>

#include "base/rng.h"

static const double LN_2 = 0.69314718055994530942;
static const double LOG_TWO_PI = 1.83787706640934548356;

const PixelRange model_pixels = {.levels = 256, .low = -1, .high = 1};

/* A stream of each purpose and draw; the seed is the image's own. */
enum { STREAM_NOISE, STREAM_DEQUANT, STREAM_PROBE, STREAMS };
static uint64_t stream(int purpose, uint64_t draw)
{
    return rng_stream(RNG_LIKELIHOOD, draw * STREAMS + (uint64_t)purpose);
}

uint64_t likelihood_seed(uint64_t seed, const unsigned char *pixels, size_t n)
{
    /* Fowler, Noll & Vo's hash (1a), 64 bits. */
    uint64_t hash = 0xCBF29CE484222325u;
    for (int i = 0; i < 8; i++) hash = (hash ^ (seed >> 8 * i & 255)) * 0x100000001B3u;
    for (size_t i = 0; i < n; i++) hash = (hash ^ pixels[i]) * 0x100000001B3u;
    return hash;
}

Estimate estimate_of(const double *values, int n)
{
    double mean = 0, square = 0;
    CHECK(n >= 1);
    for (int i = 0; i < n; i++) mean += values[i] / n;
    for (int i = 0; i < n; i++) square += (values[i] - mean) * (values[i] - mean);
    return (Estimate){mean, n > 1 ? square / (n - 1) / n : (double)NAN};
}

Likelihood likelihood_of(Estimate nats, size_t dims, long network_calls)
{
    double scale = (double)dims * LN_2;
    return (Likelihood){.nats = nats.mean,
                        .bits_per_dim = nats.mean / scale,
                        .standard_error = sqrt(nats.variance) / scale,
                        .dims = dims,
                        .network_calls = network_calls};
}

double pixel_bits(const PixelRange *range)
{
    return log2(range->levels / (range->high - range->low));
}

double pixel_value(const PixelRange *range, int pixel)
{
    return range->low + (range->high - range->low) * pixel / (range->levels - 1);
}

void pixels_dequantise(const PixelRange *range, const unsigned char *pixels, size_t n,
                       uint64_t seed, uint64_t draw, double *x)
{
    double width = (range->high - range->low) / range->levels;
    for (size_t i = 0; i < n; i++)
        x[i] =
            range->low + width * (pixels[i] + rng_uniform(seed, stream(STREAM_DEQUANT, draw), i));
}

const char *const dequant_words[] = {
    [DEQUANT_UNIFORM] = "uniform", [DEQUANT_NORMAL] = "normal", NULL};

double pixels_with_noise(const PixelRange *range, const unsigned char *pixels, size_t n,
                         NoiseLevel level, uint64_t seed, uint64_t draw, double *x)
{
    double std = level.sigma / level.alpha, log_q = 0;
    for (size_t i = 0; i < n; i++) {
        double value = pixel_value(range, pixels[i]);
        double u = rng_uniform(seed, stream(STREAM_DEQUANT, draw), i);
        double z = decoder_quantile(range, value, std, u);
        x[i] = level.alpha * value + level.sigma * z;
        log_q -= 0.5 * (z * z + LOG_TWO_PI) + log(level.sigma) +
                 decoder_log_probability(range, value, value, std);
    }
    return log_q;
}

void probe_signs(double *e, size_t n, uint64_t seed, uint64_t draw, int probe)
{
    enum { BITS = 128 };
    uint64_t id = stream(STREAM_PROBE, draw << 16 | (uint64_t)probe);
    for (size_t block = 0; block * BITS < n; block++) {
        uint32_t words[4];
        rng_block(seed, id, block, words);
        for (size_t i = block * BITS; i < n && i < (block + 1) * BITS; i++)
            e[i] = words[i % BITS / 32] >> i % 32 & 1 ? 1 : -1;
    }
}

double pixel_nats(const PixelRange *range, double log_density, size_t dims)
{
    return -log_density + (double)dims * LN_2 * pixel_bits(range);
}

double gaussian_kl(double m1, double v1, double m2, double v2)
{
    double ratio = v1 / v2, distance = m1 - m2;
    return 0.5 * (fmax(ratio - 1 - log(ratio), 0) + distance * distance / v2);
}

double gaussian_log_density(const double *x, size_t n, double std)
{
    double square = 0;
    for (size_t i = 0; i < n; i++) square += x[i] * x[i];
    return -0.5 * (square / (std * std) + (double)n * (LOG_TWO_PI + 2 * log(std)));
}

double prior_kl(const Process *p, const double *x0, size_t n)
{
    NoiseLevel noisiest = process_level(p, process_time_noisy(p));
    double prior = process_prior_std(p), sum = 0;
    for (size_t i = 0; i < n; i++)
        sum +=
            gaussian_kl(noisiest.alpha * x0[i], noisiest.sigma * noisiest.sigma, 0, prior * prior);
    return sum;
}

static void image_normals(void *context, int image, uint64_t draw, size_t dims, double *z)
{
    const ImageSeeds *s = context;
    rng_normals(z, dims, s->seeds[image], stream(STREAM_NOISE, draw), 0);
}

NoiseSource likelihood_noise(ImageSeeds *seeds)
{
    return (NoiseSource){.context = seeds, .normals = image_normals};
}
