/* The density that a model itself gives (classification diffusion models). What is scored is what the
 * model was trained on. Of an image of d values x, pixel_value:
 *
 *   clean, dequantised  -ln p_0(y) - d ln w      y by pixels_dequantise, w = (high - low) / levels
 *   clean, as it is     -ln p_0(x) - d ln v      v = (high - low) / (levels - 1)
 *   level with noise    -ln p_t(x_t) - d ln(alpha v)    x_t = alpha x + sigma eps, eps drawn anew
 *   noise alone         -ln N(eps; 0, I) - d ln v       alpha 0: the image has no part in x_t = eps
 *
 * The third is the density, per level of grey, of x_t / alpha, the image plus noise of sigma / alpha:
 * alpha^d turns the density of x_t into its, and its levels lie v apart (log2(1/v) = 6.9944 bits, of
 * w 7). It is a figure of that noisy image, not a bound of the image's own -ln P. The fourth is the
 * standard normal density per level of grey, whatever the model and the image: 2.0471 + 6.9944 bits
 * per dimension on average. A learnt density need not integrate to one, so unlike bound and ode none of
 * the first three promises anything about coding; and the second, for models trained on clean images as
 * they are (Yadin et al. 2024), has no limit: such a model can tell the levels of grey from values
 * between them. */
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
static void exact_draw(const LikelihoodRun *run, const ScoredImages *images, int image, size_t dims,
                       uint64_t draw, double *noise, double *x)
{
    const unsigned char *pixels = images->pixels + (size_t)image * dims;
    ImageSeeds seeds = {.seeds = images->seeds};
    NoiseSource source = likelihood_noise(&seeds);
    if (dequantises(run)) {
        pixels_dequantise(&model_pixels, pixels, dims, images->seeds[image], draw, x);
        return;
    }
    for (size_t i = 0; i < dims; i++) x[i] = pixel_value(&model_pixels, pixels[i]);
    if (run->level.sigma <= 0) return;
    source.normals(source.context, image, draw, dims, noise);
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

static bool score(const LikelihoodRun *run, const LikelihoodModel *model,
                  const ScoredImages *images, Likelihood *results, Err *err)
{
    const DensityModel *m = &model->density;
    size_t dims = m->dims;
    int draws = run->draws;
    if (draws < 1)
        return err_set(err, ERR_USAGE,
                       "the exact likelihood takes %d draws of noise; it must be 1 or more", draws);
    double *x = mem_doubles((size_t)draws * dims), *nats = mem_doubles((size_t)draws);
    double *noise = mem_doubles(dims);
    bool ok = x && nats && noise;
    if (!ok) err_set(err, ERR_MEMORY, "no memory for %d draws of an image", draws);
    for (int image = 0; image < images->count && ok; image++) {
        for (int k = 0; k < draws; k++)
            exact_draw(run, images, image, dims, (uint64_t)k, noise, x + (size_t)k * dims);
        ok = m->log_density(m->context, draws, x, &run->level, 0, nats, err);
        for (int k = 0; k < draws && ok; k++) {
            nats[k] = exact_nats(run, nats[k], dims);
            ok = isfinite(nats[k]) ||
                 err_set(err, ERR_DIVERGED, "the model's log density is %g; it must be finite",
                         nats[k]);
        }
        if (ok) results[image] = likelihood_of(estimate_of(nats, draws), dims, draws);
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
