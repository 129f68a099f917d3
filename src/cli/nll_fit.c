#include "nll_fit.h"

#include <stdio.h>

#include "diffc/clock.h"
#include "diffc/config.h"
#include "diffc/mem.h"
#include "diffc/term.h"
#include "nll_images.h"

enum { FIT_CALLS = 200 };

/* The data that the run was trained on. */
static bool find_data(const NllFit *fit, char *path, Err *err)
{
    char file[PATH_BYTES];
    Config c;
    if (fit->path) {
        snprintf(path, PATH_BYTES, "%s", fit->path);
        return true;
    }
    const char *run = fit->model->run;
    if (!run[0])
        return err_set(err, ERR_USAGE,
                       "%s: is not in a run that says its training data; --variance fitted needs "
                       "--fit-data PATH",
                       fit->model->folder);
    config_defaults(&c);
    bool ok = path_join(file, run, "config.json", err) && config_load(&c, file, err);
    if (ok) snprintf(path, PATH_BYTES, "%s", c.data.path);
    config_free(&c);
    return ok;
}

static bool go_on(void *context, long predictions)
{
    const long *total = context;
    term_progress("fitting the variances, %ld of %ld predictions", predictions, *total);
    return !interrupt_requested();
}

static bool fit_on(const NllFit *fit, const NllImages *images, const Denoiser *denoiser,
                   const BoundRun *run, double *variances, Err *err)
{
    size_t n = images->count, dims = denoiser->dims;
    unsigned char *pixels = mem_alloc(dims, 1);
    double *x0 = mem_doubles(n * dims);
    uint64_t *seed = mem_alloc(n, sizeof *seed);
    bool ok = pixels && x0 && seed;
    if (!ok) err_set(err, ERR_MEMORY, "there is no memory for %zu images", n);
    for (size_t i = 0; i < n && ok; i++) {
        ok = nll_images_read(images, i, pixels, err);
        seed[i] = likelihood_seed(fit->seed, pixels, dims);
        for (size_t k = 0; k < dims; k++) x0[i * dims + k] = pixel_value(&model_pixels, pixels[k]);
    }
    long total = (long)n * FIT_CALLS;
    BoundRun measure = *run;
    measure.calls = FIT_CALLS;
    measure.progress = go_on;
    measure.progress_context = &total;
    ImageSeeds seeds = {.seeds = seed};
    NoiseSource noise = likelihood_noise(&seeds);
    ok = ok && bound_fit_variances(&measure, denoiser, &noise, (int)n, x0, variances, err);
    mem_free(pixels);
    mem_free(x0);
    mem_free(seed);
    return ok;
}

bool nll_fit_variances(const NllFit *fit, const Denoiser *denoiser, BoundRun *run,
                       double **variances, Err *err)
{
    char path[PATH_BYTES];
    if (!find_data(fit, path, err)) return false;
    /* As in training, images are made to fit. */
    NllImages images = {.want = fit->model->image,
                        .resize = true,
                        .data_path = path,
                        .part = PART_TRAIN,
                        .count = (size_t)fit->count};
    if (!nll_images_open(&images, err)) return false;
    *variances = mem_doubles((size_t)run->process->T);
    bool ok = *variances || err_set(err, ERR_MEMORY, "there is no memory for the variances");
    ok = ok && fit_on(fit, &images, denoiser, run, *variances, err);
    nll_images_close(&images);
    if (ok) run->variances = *variances;
    return ok;
}
