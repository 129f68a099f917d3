#include "model/denoise.h"

#include <math.h>

#include "base/mem.h"
#include "base/shared_work.h"
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

/* errors[i - round->first] of this process's images i of a round; x [3, DENOISE_IMAGES, dims] is scratch. */
static bool measure_share(const DenoiseData *d, const WorkRound *round, double *x, double *errors,
                          Err *err)
{
    const Denoiser *denoiser = d->denoiser;
    size_t dims = denoiser->dims, part = round->own_end - round->own;
    double *noise = x + DENOISE_IMAGES * dims, *eps = noise + DENOISE_IMAGES * dims;
    int images[DENOISE_IMAGES];
    if (part == 0) return true;
    for (size_t i = 0; i < part; i++) {
        add_noise(d, round->own + i, x + i * dims, noise + i * dims);
        images[i] = (int)(round->own + i);
    }
    denoiser_choose(denoiser, images);
    bool ok = denoiser->predict(denoiser->context, (int)part, x, &d->level, 0, eps, err);
    denoiser_choose(denoiser, NULL);
    errors += round->own - round->first;
    for (size_t i = 0; i < part && ok; i++)
        errors[i] = squared_error(eps + i * dims, noise + i * dims, dims);
    return ok;
}

/* errors [count] */
static bool measure_all(const DenoiseData *d, double *x, double *errors, Err *err)
{
    WorkRound round;
    for (size_t done = 0; done < d->count; done += round.count) {
        round = work_round(done, d->count - done, DENOISE_IMAGES);
        size_t after = done + round.count;
        bool ok = measure_share(d, &round, x, errors + done, err);
        if (ok && d->progress && !d->progress(d->context, after))
            ok = err_set(err, ERR_INTERRUPTED, "interrupted");
        if (!work_agree(ok, err))
            return err && err->kind == ERR_INTERRUPTED
                       ? err_set(err, ERR_INTERRUPTED, "interrupted after %zu of %zu image%s",
                                 after, d->count, d->count == 1 ? "" : "s")
                       : false;
        world_gather(errors + done, round.count, sizeof *errors);
    }
    return true;
}

bool denoise_data(const DenoiseData *d, DenoiseScore *score, Err *err)
{
    size_t count = d->count;
    double sum = 0, square = 0, n = (double)count;
    double *x = mem_alloc(3 * DENOISE_IMAGES, d->denoiser->dims * sizeof *x);
    double *errors = mem_doubles(count);
    bool ok = (x && errors) || err_set(err, ERR_MEMORY, "not enough memory for %zu images", count);
    ok = ok && measure_all(d, x, errors, err);
    for (size_t i = 0; i < count && ok; i++) {
        double more = errors[i] - errors[0]; /* whose square does not cancel */
        sum += more;
        square += more * more;
    }
    if (ok) {
        score->squared_error = errors[0] + sum / n;
        score->standard_error =
            count > 1 ? sqrt(fmax(square - sum * sum / n, 0) / (n - 1) / n) : (double)NAN;
    }
    mem_free(x);
    mem_free(errors);
    return ok;
}
