/* The density that a model itself gives (likelihood.h: what is scored). */
#include <math.h>
#include <stdio.h>

#include "base/mem.h"
#include "diffusion/noise_classes.h"
#include "diffusion/protocol.h"

/* As training does: clean images only, and those of a model that was trained so. */
static bool dequantises(const LikelihoodRun *run)
{
    return run->dequantise && run->level.sigma <= 0;
}

/* One draw of an image at the run's level. */
static void exact_draw(const LikelihoodRun *run, const unsigned char *pixels, size_t dims,
                       const uint64_t *seed, uint64_t draw, double *noise, double *x)
{
    ImageSeeds seeds = {.seeds = seed};
    NoiseSource source = likelihood_noise(&seeds);
    if (dequantises(run)) {
        pixels_dequantise(&model_pixels, pixels, dims, *seed, draw, x);
        return;
    }
    for (size_t i = 0; i < dims; i++) x[i] = pixel_value(&model_pixels, pixels[i]);
    if (run->level.sigma <= 0) return;
    source.normals(source.context, 0, draw, dims, noise);
    for (size_t i = 0; i < dims; i++) x[i] = run->level.alpha * x[i] + run->level.sigma * noise[i];
}

/* -ln P of the image from ln p_t(x_t). */
static double exact_nats(const LikelihoodRun *run, double log_density, size_t dims)
{
    const PixelRange *r = &model_pixels;
    if (dequantises(run)) return pixel_nats(r, log_density, dims);
    double width = (r->high - r->low) / (r->levels - 1);
    double scale = run->level.alpha > 0 ? run->level.alpha : 1;
    return -log_density - (double)dims * log(scale * width);
}

bool exact_run(const LikelihoodRun *run, const DensityModel *model, int count,
               const unsigned char *pixels, const uint64_t *seeds, Likelihood *results, Err *err)
{
    int draws = run->draws;
    size_t dims = model->dims;
    if (draws < 1)
        return err_set(err, ERR_USAGE,
                       "the exact likelihood takes %d draws of noise; it must be 1 or more", draws);
    double *x = mem_doubles((size_t)draws * dims), *nats = mem_doubles((size_t)draws);
    double *noise = mem_doubles(dims);
    bool ok = x && nats && noise;
    if (!ok) err_set(err, ERR_MEMORY, "no memory for %d draws of an image", draws);
    for (int image = 0; image < count && ok; image++) {
        for (int k = 0; k < draws; k++)
            exact_draw(run, pixels + (size_t)image * dims, dims, seeds + image, (uint64_t)k, noise,
                       x + (size_t)k * dims);
        ok = model->log_density(model->context, draws, x, &run->level, 0, nats, err);
        for (int k = 0; k < draws && ok; k++) {
            nats[k] = exact_nats(run, nats[k], dims);
            ok = isfinite(nats[k]) ||
                 err_set(err, ERR_DIVERGED, "the model's log density is %g; it must be finite",
                         nats[k]);
        }
        if (ok) results[image] = likelihood_of_draws(nats, draws, dims, draws);
    }
    mem_free(noise);
    mem_free(x);
    mem_free(nats);
    return ok;
}

/* A model of images as they are is asked about images as they are, in one call. */
static void set_defaults(LikelihoodRun *run, bool files)
{
    (void)files;
    run->draws = 1;
}

static double rows(const LikelihoodRun *run, int images)
{
    (void)images;
    return run->draws;
}

static void describe(const LikelihoodRun *run, ProtocolWords *words)
{
    int level = (int)cdm_class_at(run->level);
    bool noisy = run->level.sigma > 0;
    if (run->level.alpha <= 0) {
        snprintf(words->what, sizeof words->what,
                 "the density of noise alone (level %d): that of the standard normal distribution, "
                 "whatever the image and the model",
                 level);
        words->caution = "noise alone: the standard normal density";
    } else {
        snprintf(words->what, sizeof words->what,
                 "the density of %s at noise level %d: %d network call%s an image",
                 noisy             ? "images with noise"
                 : run->dequantise ? "dequantised images"
                                   : "images without added noise",
                 level, run->draws, run->draws == 1 ? "" : "s");
        snprintf(words->warning, sizeof words->warning,
                 "the figure is a learnt density ratio, not a bound: nothing holds it above the "
                 "true -log2 P%s",
                 noisy             ? " of the noisy image"
                 : run->dequantise ? ""
                                   : ", and a model of the 256 levels of grey can raise it without "
                                     "limit");
        words->caution = "a learnt density ratio, not a bound";
    }
    snprintf(words->figure, sizeof words->figure, ", level %d%s, %s", level,
             noisy && run->level.alpha > 0 ? " with its noise" : "", words->caution);
}

static bool score(const LikelihoodRun *run, const LikelihoodModel *model,
                  const ScoredImages *images, Likelihood *results, Err *err)
{
    return exact_run(run, &model->density, images->count, images->pixels, images->seeds, results,
                     err);
}

const Protocol protocol_exact = {
    .name = "exact",
    .help =
        "density that the model itself gives, in one network call, at the image plus uniform "
        "noise of one grey level, or with --level at the image plus that level's noise: a "
        "learnt ratio, not a bound; at the last level, noise alone, the standard normal density "
        "(cdm, where it is the default)",
    .needs = PROTOCOL_DENSITY,
    .reads = LIKELIHOOD_DRAWS | LIKELIHOOD_LEVEL,
    .images = 16,
    .usual = PROTOCOL_FOR_DENSITY,
    .set_defaults = set_defaults,
    .rows = rows,
    .describe = describe,
    .score = score,
};
