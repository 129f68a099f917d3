/* diffc denoise: the image behind a noisy one. */
#include <math.h>
#include <stdio.h>

#include "cli.h"
#include "diffc/cdm_network.h"
#include "diffc/image.h"
#include "diffc/mem.h"
#include "diffc/model.h"
#include "diffc/parallel.h"
#include "diffc/term.h"
#include "nll_images.h"

enum { MODEL, LABEL, SIGMA, RESIZE, OUT, THREADS, JSON, QUIET, ROWS };

static const Option options[ROWS + 1] = {
    [MODEL] = {.name = "model",
               .letter = 'm',
               .type = OPTION_TEXT,
               .metavar = "PATH",
               .otherwise = "the newest run under runs/",
               .group = "Model",
               .help = "run folder, or model folder in the layout of diffusers"},
    [LABEL] = {.name = "label",
               .type = OPTION_INT,
               .metavar = "N",
               .low = 0,
               .high = 1e6,
               .group = "Model",
               .help = "class of the image, for models with classes"},
    [SIGMA] = {.name = "sigma",
               .type = OPTION_REAL,
               .metavar = "X",
               .low = 0,
               .high = 1e6,
               .otherwise = "found by the model (cdm)",
               .group = "Image",
               .help = "standard deviation of the noise, in levels of grey (of 256)"},
    [RESIZE] = {.name = "resize",
                .type = OPTION_FLAG,
                .group = "Image",
                .help = "make an image of another size or another number of channels fit"},
    [OUT] = {.name = "out",
             .letter = 'o',
             .type = OPTION_TEXT,
             .metavar = "FILE",
             .fallback = "clean.png",
             .group = "Image",
             .help = "where the result goes, as PNG"},
    [THREADS] = OPTION_ROW_THREADS,
    [JSON] = OPTION_ROW_JSON,
    [QUIET] = OPTION_ROW_QUIET,
};

/* Levels of grey in one unit of the model, whose images lie in [-1, 1]. */
static const double GREYS = 127.5;

typedef struct {
    char path[PATH_BYTES];
    const char *input, *out;
    Model model;
    Denoiser denoiser;
    size_t dims;
    double *y, *x, *eps; /* [dims]: the noisy image, scratch, its noise */
    float *clean;
    NoiseLevel level;
    bool found; /* by the model */
    int calls;
} Job;

static bool read_image(Job *job, bool resize, Err *err)
{
    NllImages images = {
        .want = job->model.image, .resize = resize, .paths = &job->input, .count = 1};
    unsigned char *pixels = mem_alloc(job->dims, 1);
    bool ok = pixels != NULL || err_set(err, ERR_MEMORY, "there is no memory for the image");
    ok = ok && nll_images_open(&images, err);
    if (ok) {
        ok = nll_images_read(&images, 0, pixels, err);
        for (size_t i = 0; i < job->dims && ok; i++) job->y[i] = pixels[i] / GREYS - 1;
        nll_images_close(&images);
    }
    mem_free(pixels);
    return ok;
}

/* The level whose noise, where the image counts one, is the image's. */
static bool choose_level(Job *job, const OptionValue *sigma, Err *err)
{
    const Process *p = &job->model.process;
    if (sigma->given) {
        double time = process_time_of_logsnr(p, -log(sigma->real / GREYS));
        if (sigma->real > 0) job->level = process_level(p, time);
        return true;
    }
    if (job->model.config.method != METHOD_CDM)
        return err_set(err, ERR_USAGE,
                       "%s cannot tell how strong the noise is, as a cdm can; give --sigma, in "
                       "levels of grey",
                       job->path);
    NoiseClassifier classifier = cdm_classifier(&job->model.denoiser);
    job->found = true;
    return cdm_find_level(p, &classifier, job->y, job->dims, job->x, &job->level, &job->calls, err);
}

/* E[x0 | y], the best estimate by squared error: from x = alpha y at the level. */
static bool denoise(Job *job, Err *err)
{
    NoiseLevel l = job->level;
    for (size_t i = 0; i < job->dims; i++) job->clean[i] = (float)job->y[i];
    if (l.sigma <= 0) return true;
    for (size_t i = 0; i < job->dims; i++) job->x[i] = l.alpha * job->y[i];
    Denoiser *d = &job->denoiser;
    if (!d->predict(d->context, 1, job->x, &l, 0, job->eps, err)) return false;
    job->calls++;
    for (size_t i = 0; i < job->dims; i++)
        job->clean[i] = (float)x0_from_eps(l, job->x[i], job->eps[i]);
    return true;
}

static bool write_image(const Job *job, double sigma, Err *err)
{
    Shape s = job->model.image;
    Image picture;
    char text[PATH_BYTES + 96];
    if (s.C != 1 && s.C != 3)
        return err_set(err, ERR_USAGE,
                       "the model's images have %d channels, which PNG files cannot hold", s.C);
    snprintf(text, sizeof text, "diffc denoise: model %s, sigma %.4g", job->path, sigma);
    if (!image_grid(job->clean, 1, s.H, s.W, s.C, 1, 0, &picture, err)) return false;
    bool ok = image_save_png(job->out, &picture, text, err);
    image_free(&picture);
    return ok;
}

static bool report(const Job *job, double sigma, bool json, Err *err)
{
    term_note("%s: noise of %.4g levels of grey %s, %d network call%s", job->path, sigma,
              job->found ? "found" : "taken off", job->calls, job->calls == 1 ? "" : "s");
    if (!json) {
        output_line("%s", job->out);
        return true;
    }
    JsonWriter w;
    json_write_init(&w, 0);
    json_begin_object(&w, NULL);
    json_put_string(&w, "event", "done");
    json_put_string(&w, "image", job->input);
    json_put_string(&w, "out", job->out);
    json_put_number(&w, "sigma", sigma);
    json_put_bool(&w, "found", job->found);
    json_put_number(&w, "time", job->level.time);
    json_put_int(&w, "network_calls", job->calls);
    json_put_string(&w, "model", job->path);
    json_end_object(&w);
    return output_json(&w, err);
}

static bool run_job(Job *job, const OptionValue *v, Err *err)
{
    int classes = job->model.config.unet.classes,
        label = v[LABEL].given ? (int)v[LABEL].integer : -1;
    if (job->model.config.network == NETWORK_MLP)
        return err_set(err, ERR_USAGE, "%s is a model of points in the plane; denoise takes images",
                       job->path);
    if (label >= 0 && classes == 0)
        return err_set(err, ERR_USAGE, "--label is given, but the model has no classes");
    if (classes > 0 && (label < 0 || label >= classes))
        return err_set(err, ERR_USAGE,
                       "the model has classes: --label must say which the image has, 0 to %d",
                       classes - 1);
    if (!model_prepare(&job->model, 1, label, &job->denoiser, err)) return false;
    job->dims = job->denoiser.dims;
    job->level = (NoiseLevel){.alpha = 1, .time = -1};
    job->y = mem_doubles(job->dims);
    job->x = mem_doubles(job->dims);
    job->eps = mem_doubles(job->dims);
    job->clean = mem_floats(job->dims);
    if (!job->y || !job->x || !job->eps || !job->clean)
        return err_set(err, ERR_MEMORY, "there is no memory for the image");
    if (!read_image(job, v[RESIZE].given, err) || !choose_level(job, &v[SIGMA], err) ||
        !denoise(job, err))
        return false;
    double sigma = job->level.sigma / job->level.alpha * GREYS;
    return write_image(job, sigma, err) && report(job, sigma, v[JSON].given, err);
}

static bool run_denoise(const Arguments *a, Err *err)
{
    const OptionValue *v = a->values;
    Job job = {.input = a->words[0], .out = v[OUT].text};
    if (v[THREADS].given) parallel_set_threads((int)v[THREADS].integer);
    term_set_quiet(v[QUIET].given);
    note_instructions();
    if (!choose_model(&v[MODEL], job.path, err)) return false;
    if (!model_open(&job.model, job.path, 0, 0, err)) return false;
    for (int i = 0; i < job.model.config.warning_count; i++)
        term_note("warning: %s", job.model.config.warnings[i]);
    bool ok = run_job(&job, v, err);
    mem_free(job.y);
    mem_free(job.x);
    mem_free(job.eps);
    mem_free(job.clean);
    model_close(&job.model);
    return ok;
}

const Command command_denoise = {
    .name = "denoise",
    .summary = "Take the noise off an image with a trained model",
    .words = "NOISY.png",
    .words_min = 1,
    .words_max = 1,
    .examples = {"diffc denoise noisy.png --out clean.png",
                 "diffc denoise -m runs/fashion-ddpm noisy.png --sigma 25"},
    .options = options,
    .notes = "The noise is taken to be independent, normal and equally strong everywhere; the "
             "result is the mean of all images that could lie behind it. A model of the method "
             "cdm finds out how strong the noise is; the others must be told.",
    .run = run_denoise,
};
