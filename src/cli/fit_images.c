#include "cli/fit_images.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/term.h"
#include "cli/nll_images.h"
#include "io/config.h"

/* The data that the run was trained on. */
static bool find_data(const Model *m, const char *given, char *path, Err *err)
{
    char file[PATH_BYTES];
    Config c;
    if (given) {
        snprintf(path, PATH_BYTES, "%s", given);
        return true;
    }
    const char *run = m->run;
    if (!run[0])
        return err_set(err, ERR_USAGE,
                       "%s: is not in a run that says its training data; what is measured on them "
                       "needs --fit-data PATH",
                       m->folder);
    config_defaults(&c);
    bool ok = path_join(file, run, "config.json", err) && config_load(&c, file, err);
    if (ok) snprintf(path, PATH_BYTES, "%s", c.data.path);
    config_free(&c);
    return ok;
}

static bool report_progress(void *context, long predictions)
{
    term_progress("measuring the model's errors, %ld of %ld predictions", predictions,
                  measured_predictions(context));
    return !interrupt_requested();
}

void fit_images_close(MeasuredImages *f)
{
    mem_free(f->x0);
    mem_free(f->seeds);
}

static bool read_images(const NllImages *images, uint64_t seed, MeasuredImages *f, Err *err)
{
    Shape s = images->want;
    size_t dims = (size_t)s.H * (size_t)s.W * (size_t)s.C;
    unsigned char *pixels = mem_alloc(dims, 1);
    f->x0 = mem_doubles(images->count * dims);
    f->seeds = mem_alloc(images->count, sizeof *f->seeds);
    bool ok = pixels && f->x0 && f->seeds;
    if (!ok) err_set(err, ERR_MEMORY, "not enough memory for %zu images", images->count);
    for (size_t i = 0; i < images->count && ok; i++) {
        ok = nll_images_read(images, i, pixels, err);
        f->seeds[i] = likelihood_seed(seed, pixels, dims);
        for (size_t k = 0; k < dims; k++)
            f->x0[i * dims + k] = pixel_value(&model_pixels, pixels[k]);
    }
    mem_free(pixels);
    f->count = (int)images->count;
    return ok;
}

bool fit_images_open(MeasuredImages *f, const Model *m, const char *data, int count, uint64_t seed,
                     Err *err)
{
    char path[PATH_BYTES];
    *f = (MeasuredImages){.context = f, .progress = report_progress};
    if (!find_data(m, data, path, err)) return false;
    /* As in training, images are made to fit. */
    NllImages images = {.want = m->image,
                        .resize = true,
                        .data_path = path,
                        .part = PART_TRAIN,
                        .count = (size_t)count};
    if (!nll_images_open(&images, err)) return false;
    bool ok = read_images(&images, seed, f, err);
    nll_images_close(&images);
    return ok;
}
