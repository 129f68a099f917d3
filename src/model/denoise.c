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

enum { GROUP = DENOISE_IMAGES };

typedef struct {
    unsigned char *pixels;   /* [dims] */
    double *x, *noise, *eps; /* [GROUP, dims] */
} Buffers;

static bool buffers_open(Buffers *b, size_t dims, Err *err)
{
    *b = (Buffers){.pixels = mem_alloc(dims, 1),
                   .x = mem_doubles(GROUP * dims),
                   .noise = mem_doubles(GROUP * dims),
                   .eps = mem_doubles(GROUP * dims)};
    if (b->pixels && b->x && b->noise && b->eps) return true;
    return err_set(err, ERR_MEMORY, "not enough memory for %d images", GROUP);
}

static void buffers_close(Buffers *b)
{
    mem_free(b->pixels);
    mem_free(b->x);
    mem_free(b->noise);
    mem_free(b->eps);
}

/* Image `number` with its noise, in place `at` of the group. */
static bool add_noise(const DenoiseData *d, Buffers *b, size_t number, int at, Err *err)
{
    size_t dims = d->denoiser->dims, place = (size_t)at * dims;
    if (!d->read(d->context, number, b->pixels, err)) return false;
    uint64_t seed = likelihood_seed(d->seed, b->pixels, dims);
    ImageSeeds seeds = {.seeds = &seed};
    NoiseSource source = likelihood_noise(&seeds);
    source.normals(source.context, 0, 0, dims, b->noise + place);
    for (size_t i = 0; i < dims; i++)
        b->x[place + i] = d->level.alpha * pixel_value(&model_pixels, b->pixels[i]) +
                          d->level.sigma * b->noise[place + i];
    return true;
}

static double squared_error(const double *eps, const double *noise, size_t dims)
{
    double sum = 0;
    for (size_t i = 0; i < dims; i++) sum += (eps[i] - noise[i]) * (eps[i] - noise[i]);
    return sum / (double)dims;
}

bool denoise_data(const DenoiseData *d, DenoiseScore *score, Err *err)
{
    size_t dims = d->denoiser->dims, count = d->count;
    double first = 0, sum = 0, square = 0, n = (double)count;
    Buffers b;
    bool ok = buffers_open(&b, dims, err);
    for (size_t done = 0; done < count && ok; done += GROUP) {
        int part = count - done < GROUP ? (int)(count - done) : GROUP;
        for (int i = 0; i < part && ok; i++) ok = add_noise(d, &b, done + (size_t)i, i, err);
        ok = ok && d->denoiser->predict(d->denoiser->context, part, b.x, &d->level, 0, b.eps, err);
        for (int i = 0; i < part && ok; i++) {
            double e = squared_error(b.eps + (size_t)i * dims, b.noise + (size_t)i * dims, dims);
            if (done == 0 && i == 0) first = e;
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
    buffers_close(&b);
    return ok;
}
