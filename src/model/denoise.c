#include "model/denoise.h"

#include <math.h>

#include "base/mem.h"
#include "diffusion/likelihood.h"

/* Levels of grey in one unit of the model. */
static double greys_in_unit(void)
{
    return (model_pixels.levels - 1) / (model_pixels.high - model_pixels.low);
}

double noise_in_greys(NoiseLevel level)
{
    return level.sigma / level.alpha * greys_in_unit();
}

NoiseLevel level_of_greys(const Process *p, double greys)
{
    if (greys <= 0) return (NoiseLevel){.alpha = 1, .time = -1};
    return process_level(p, process_time_of_logsnr(p, -log(greys / greys_in_unit())));
}

bool denoise_image(const Denoiser *denoiser, NoiseLevel level, const double *y, double *x,
                   double *eps, float *clean, Err *err)
{
    size_t dims = denoiser->dims;
    for (size_t i = 0; i < dims; i++) clean[i] = (float)y[i];
    if (level.sigma <= 0) return true;
    for (size_t i = 0; i < dims; i++) x[i] = level.alpha * y[i];
    if (!denoiser->predict(denoiser->context, 1, x, &level, 0, eps, err)) return false;
    for (size_t i = 0; i < dims; i++) clean[i] = (float)x0_from_eps(level, x[i], eps[i]);
    return true;
}

/* Image `number`, with its noise, as x [dims]. */
static void add_noise(const DenoiseData *d, size_t number, double *x, double *noise)
{
    size_t dims = d->denoiser->dims;
    const unsigned char *pixels = d->pixels + number * dims;
    uint64_t seed = likelihood_seed(d->seed, pixels, dims);
    ImageSeeds seeds = {.seeds = &seed};
    NoiseSource source = likelihood_noise(&seeds);
    source.normals(source.context, 0, 0, dims, noise);
    for (size_t i = 0; i < dims; i++)
        x[i] = d->level.alpha * pixel_value(&model_pixels, pixels[i]) + d->level.sigma * noise[i];
}

static double squared_error(const double *eps, const double *noise, size_t dims)
{
    double sum = 0;
    for (size_t i = 0; i < dims; i++) sum += (eps[i] - noise[i]) * (eps[i] - noise[i]);
    return sum / (double)dims;
}

bool denoise_data(const DenoiseData *d, DenoiseScore *score, Err *err)
{
    enum { GROUP = DENOISE_IMAGES };
    const Denoiser *denoiser = d->denoiser;
    size_t dims = denoiser->dims, count = d->count, values = GROUP * dims;
    int images[GROUP];
    double first = 0, sum = 0, square = 0, n = (double)count;
    double *x = mem_doubles(3 * values), *noise = x ? x + values : NULL;
    double *eps = x ? noise + values : NULL;
    bool ok = x || err_set(err, ERR_MEMORY, "not enough memory for %d images", GROUP);
    for (size_t done = 0; done < count && ok; done += GROUP) {
        int part = count - done < GROUP ? (int)(count - done) : GROUP;
        for (size_t i = 0; i < (size_t)part; i++) {
            add_noise(d, done + i, x + i * dims, noise + i * dims);
            images[i] = (int)(done + i);
        }
        denoiser_choose(denoiser, images);
        ok = denoiser->predict(denoiser->context, part, x, &d->level, 0, eps, err);
        denoiser_choose(denoiser, NULL);
        for (size_t i = 0; i < (size_t)part && ok; i++) {
            double e = squared_error(eps + i * dims, noise + i * dims, dims);
            if (done + i == 0) first = e;
            sum += e - first; /* deviations from the first, so that their square does not cancel */
            square += (e - first) * (e - first);
        }
        if (ok && d->progress && !d->progress(d->context, done + (size_t)part))
            ok = err_set(err, ERR_INTERRUPTED, "interrupted after %zu of %zu images",
                         done + (size_t)part, count);
    }
    score->squared_error = first + sum / n;
    score->standard_error =
        count > 1 ? sqrt(fmax(square - sum * sum / n, 0) / (n - 1) / n) : (double)NAN;
    mem_free(x);
    return ok;
}
