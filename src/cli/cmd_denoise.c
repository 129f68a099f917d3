/* diffc denoise: the image behind a noisy one, and how well a model finds such images. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/term.h"
#include "base/text.h"
#include "base/world.h"
#include "cli/cli.h"
#include "cli/nll_images.h"
#include "data/image.h"
#include "diffusion/likelihood.h"
#include "methods/method.h"
#include "model/denoise.h"
#include "model/model.h"
#include "model/model_use.h"

enum {
    MODEL,
    WEIGHTS,
    LABEL,
    SIGMA,
    LEVEL,
    OUT,
    DATA,
    PART,
    COUNT,
    RESIZE,
    SEED,
    THREADS,
    JSON,
    QUIET,
    ROWS
};

static const Option options[ROWS + 1] = {
    [MODEL] = OPTION_ROW_MODEL,
    [WEIGHTS] = OPTION_ROW_WEIGHTS,
    [LABEL] = OPTION_ROW_LABEL("class of the image"),
    [SIGMA] = OPTION("sigma", REAL, "Noise", .low = 0, .high = 1e6,
                     .otherwise = "found by the model (cdm)",
                     .help = "standard deviation of the noise, in levels of grey (of 256)"),
    [LEVEL] = OPTION(
        "level", INT, "Noise", .metavar = "T", .low = 0, .high = 1e6,
        .help = "the same as a noise level of the model, 0 for none (ddpm, smld, eddpm, cdm)"),
    [OUT] =
        OPTION("out", TEXT, "Images", .letter = 'o', .metavar = "FILE",
               .otherwise = "the image's name with -clean-1, or the next free number",
               .help = "where the result goes, as PNG; an existing file is replaced, with a note"),
    [DATA] = OPTION("data", TEXT, "Images", .metavar = "PATH",
                    .help = "add noise to the images of a data set (IDX, CIFAR-10) or a folder and "
                            "measure how well the model predicts it"),
    [PART] = OPTION_ROW_PART,
    [COUNT] = OPTION_ROW_SCORED(""),
    [RESIZE] = OPTION_ROW_RESIZE,
    [SEED] =
        OPTION("seed", SEED, "Images", .fallback = "0", .help = "seed of the noise that is added"),
    [THREADS] = OPTION_ROW_THREADS,
    [JSON] = OPTION_ROW_JSON,
    [QUIET] = OPTION_ROW_QUIET,
};

typedef struct {
    char path[PATH_BYTES];
    const char *input;     /* the noisy image; NULL with --data */
    const char *out;       /* --out, or */
    char name[PATH_BYTES]; /* a name of the program's choice */
    NllImages images;
    Model model;
    Denoiser denoiser;
    size_t dims;
    double *y, *x, *eps; /* [dims], one block: the noisy image, scratch, its noise */
    float *clean;
    unsigned char *pixels; /* of the noisy image, then of the clean one */
    NoiseLevel level;
    bool found; /* by the model */
    int calls;
} Job;

/* ---- how strong the noise is ---- */

enum { GREYS_BYTES = 48 };

/* "1 level of grey", "25 levels of grey" */
static const char *greys_text(char out[GREYS_BYTES], double sigma)
{
    snprintf(out, GREYS_BYTES, "%.4g", sigma);
    text_append(out, GREYS_BYTES, " level%s of grey", strcmp(out, "1") == 0 ? "" : "s");
    return out;
}

static void level_of_sigma(Job *job, double sigma)
{
    job->level = level_of_greys(&job->model.process, sigma);
    double near = noise_in_greys(job->level);
    char greys[GREYS_BYTES];
    if (fabs(near - sigma) > 0.01 * sigma)
        term_note("%s has no noise level of %s; the nearest is %.4g", job->path,
                  greys_text(greys, sigma), near);
}

static bool level_of_number(Job *job, long long number, Err *err)
{
    const Process *p = &job->model.process;
    if (!process_is_discrete(p))
        return err_set(err, ERR_USAGE,
                       "--level numbers the steps of a chain, but the noise of %s is continuous in "
                       "time; give --sigma",
                       job->path);
    if (number > p->T)
        return err_set(err, ERR_USAGE, "--level is %lld; the levels of %s are 0 (no noise) to %d",
                       number, job->path, p->T);
    job->level = process_level(p, (double)number - 1);
    return true;
}

static bool choose_level(Job *job, const OptionValue *v, Err *err)
{
    job->level = (NoiseLevel){.alpha = 1, .time = -1};
    if (v[LEVEL].given) return level_of_number(job, v[LEVEL].integer, err);
    if (v[SIGMA].given) {
        level_of_sigma(job, v[SIGMA].real);
        return true;
    }
    const Method *method = method_of(job->model.config.method);
    if (!method->classifier)
        return err_set(err, ERR_USAGE,
                       "%s cannot find out how strong the noise is, as a cdm can; give --sigma in "
                       "levels of grey, such as --sigma 25, or --level",
                       job->path);
    NoiseClassifier classifier = method->classifier(&job->model.denoiser);
    job->found = true;
    return cdm_find_level(&job->model.process, &classifier, job->y, job->dims, job->x, &job->level,
                          &job->calls, err);
}

/* ---- one image ---- */

static bool read_image(Job *job, Err *err)
{
    job->pixels = mem_alloc(job->dims, 1);
    job->y = mem_doubles(3 * job->dims);
    job->clean = mem_floats(job->dims);
    if (!job->pixels || !job->y || !job->clean)
        return err_set(err, ERR_MEMORY, "not enough memory for the image");
    job->x = job->y + job->dims;
    job->eps = job->x + job->dims;
    if (!nll_images_read(&job->images, 0, job->pixels, err)) return false;
    for (size_t i = 0; i < job->dims; i++) job->y[i] = pixel_value(&model_pixels, job->pixels[i]);
    return true;
}

static bool denoise(Job *job, Err *err)
{
    if (!denoise_image(&job->denoiser, job->level, job->y, job->x, job->eps, job->clean, err))
        return false;
    job->calls += job->level.sigma > 0;
    return !interrupt_requested() ||
           err_set(err, ERR_INTERRUPTED, "interrupted; nothing was written");
}

/* Without --out, the name of the image with -clean-1.png, or the next number that is free. */
static bool choose_out(Job *job, Err *err)
{
    char stem[PATH_BYTES];
    if (job->out && job->out != job->name) return true;
    const char *slash = strrchr(job->input, '/'), *base = slash ? slash + 1 : job->input;
    const char *dot = strrchr(base, '.');
    int length = (int)(dot && dot != base ? (size_t)(dot - base) : strlen(base));
    snprintf(stem, sizeof stem, "%.*s-clean", length, base);
    job->out = job->name;
    return free_file_name(stem, "png", job->name, err);
}

static bool write_image(Job *job, Err *err)
{
    Shape s = job->model.image;
    Image picture = {.height = s.H, .width = s.W, .channels = s.C, .pixels = job->pixels};
    char text[PATH_BYTES + 96];
    if (!choose_out(job, err)) return false;
    bool replaces = file_is_there(job->out);
    snprintf(text, sizeof text, "diffc denoise: model %s, sigma %.4g", job->path,
             noise_in_greys(job->level));
    image_bytes(job->pixels, job->clean, job->dims);
    bool ok = output_picture(job->out, &picture, text, err);
    note_replaced(job->out, ok && replaces);
    return ok;
}

static bool report_image(const Job *job, bool json, Err *err)
{
    char greys[GREYS_BYTES];
    term_note("%s: noise of %s %s, %d network call%s", job->path,
              greys_text(greys, noise_in_greys(job->level)), job->found ? "found" : "taken off",
              job->calls, job->calls == 1 ? "" : "s");
    if (!json) {
        output_names(&job->out, 1);
        return true;
    }
    JsonWriter w;
    output_begin(&w);
    json_put_string(&w, "event", "done");
    json_put_string(&w, "image", job->input);
    json_put_string(&w, "out", job->out);
    json_put_number(&w, "sigma", noise_in_greys(job->level));
    json_put_bool(&w, "found", job->found);
    json_put_number(&w, "time", job->level.time);
    json_put_int(&w, "network_calls", job->calls);
    json_put_string(&w, "model", job->path);
    return output_json(&w, err);
}

static bool run_image(Job *job, const OptionValue *v, Err *err)
{
    if (!choose_out(job, err)) return false;
    const NamedOutput out = {.option = "out", .path = job->out};
    return check_output_file("out", job->out, "png", err) &&
           check_outputs(&out, 1, &job->input, 1, err) && read_image(job, err) &&
           choose_level(job, v, err) && denoise(job, err) && write_image(job, err) &&
           report_image(job, v[JSON].given, err);
}

/* ---- a data set ---- */

static bool report_data(const Job *job, const DenoiseScore *score, bool json, Err *err)
{
    double before = 20 * log10((model_pixels.levels - 1) / noise_in_greys(job->level));
    double after = before - 10 * log10(score->squared_error);
    size_t count = job->images.count;
    if (!json) {
        char greys[GREYS_BYTES];
        output_line("mean of %zu image%s with noise of %s: squared error %.5f +- %.5f of the "
                    "noise's variance, PSNR %.2f dB before and %.2f dB after",
                    count, count == 1 ? "" : "s", greys_text(greys, noise_in_greys(job->level)),
                    score->squared_error, score->standard_error, before, after);
        return true;
    }
    JsonWriter w;
    output_begin(&w);
    json_put_string(&w, "event", "summary");
    json_put_uint(&w, "count", count);
    json_put_number(&w, "squared_error", score->squared_error);
    json_put_number(&w, "standard_error", score->standard_error);
    json_put_number(&w, "psnr_before", before);
    json_put_number(&w, "psnr", after);
    json_put_number(&w, "sigma", noise_in_greys(job->level));
    json_put_number(&w, "time", job->level.time);
    json_put_string(&w, "model", job->path);
    return output_json(&w, err);
}

static bool report_progress(void *context, size_t done)
{
    const Job *job = context;
    term_progress("denoising: %zu of %zu image%s", done, job->images.count,
                  job->images.count == 1 ? "" : "s");
    return !interrupt_requested();
}

static bool run_data(Job *job, const OptionValue *v, Err *err)
{
    if (!v[SIGMA].given && !v[LEVEL].given)
        return err_set(err, ERR_USAGE,
                       "--data adds noise to its images: give --sigma, in levels of grey, or "
                       "--level");
    if (!choose_level(job, v, err)) return false;
    if (job->level.sigma <= 0)
        return err_set(err, ERR_USAGE, "--data needs --sigma or --level above 0");
    DenoiseData data = {.denoiser = &job->denoiser,
                        .count = job->images.count,
                        .pixels = job->images.data.pixels,
                        .context = job,
                        .progress = report_progress,
                        .level = job->level,
                        .seed = v[SEED].seed};
    DenoiseScore score;
    bool ok = denoise_data(&data, &score, err);
    term_progress_end();
    return ok && report_data(job, &score, v[JSON].given, err);
}

/* ---- the command ---- */

static bool check_options(const OptionValue *v, Err *err)
{
    if (v[SIGMA].given && v[LEVEL].given)
        return err_set(err, ERR_USAGE,
                       "--sigma and --level both say how strong the noise is; give one of them");
    if (v[DATA].given && v[OUT].given)
        return err_set(err, ERR_USAGE, "--out belongs to an image; --data prints figures");
    return v[DATA].given || !v[SEED].given || err_set(err, ERR_USAGE, "--seed belongs to --data");
}

static bool run_job(Job *job, const OptionValue *v, Err *err)
{
    int label;
    if (!take_label(&job->model, &v[LABEL], !v[DATA].given, &label, err)) return false;
    int batch = v[DATA].given ? DENOISE_IMAGES : 1;
    if (!model_prepare(&job->model, batch, label, false, &job->denoiser, err)) return false;
    job->dims = job->denoiser.dims;
    job->images.want = job->model.image;
    if (!nll_images_open(&job->images, err)) return false;
    bool ok = !v[DATA].given || label >= 0 || nll_images_match(&job->images, &job->model, err);
    job->model.denoiser.labels = job->images.labels;
    if (ok) ok = v[DATA].given ? run_data(job, v, err) : run_image(job, v, err);
    nll_images_close(&job->images);
    return ok;
}

static bool find_model(Job *job, const OptionValue *v, Err *err)
{
    ModelNeeds needs = {.images = true,
                        .scored = &job->images,
                        .classes = v[LABEL].given,
                        .no_classes = !v[LABEL].given && !v[DATA].given,
                        .weights = (WeightsKind)v[WEIGHTS].integer,
                        .levels = v[LEVEL].given,
                        .finds_noise = !v[DATA].given && !v[LEVEL].given && !v[SIGMA].given};
    return open_model(&job->model, job->path, &v[MODEL], &needs, 0, 0, err);
}

static bool run_denoise(const Arguments *a, Err *err)
{
    const OptionValue *v = a->values;
    Job job = {.input = a->words[0], .out = v[OUT].text};
    if (!nll_images_choose(&job.images, a, DATA, "denoise", err) || !check_options(v, err))
        return false;
    begin_work(&v[QUIET], &v[THREADS]);
    if (!find_model(&job, v, err)) return false;
    /* One image is the work of one process. */
    bool ok = (!v[DATA].given && world_rank() > 0) || run_job(&job, v, err);
    mem_free(job.y);
    mem_free(job.clean);
    mem_free(job.pixels);
    model_close(&job.model);
    return ok;
}

const Command command_denoise = {
    .name = "denoise",
    .summary = "Remove the noise from an image with a trained model",
    .words = "NOISY.png | --data PATH",
    .words_max = 1,
    .examples = {"diffc denoise data/boot-noisy.png --sigma 25 --out clean.png",
                 "diffc denoise -m runs/demo --data /usr/share/datasets/fashion-mnist --level 250"},
    .options = options,
    .notes =
        "The noise is taken to be independent, normal and equally strong everywhere; the "
        "result is the mean of all images that could lie behind it. A model of the method "
        "cdm finds out how strong the noise is, and --sigma can be left out; other models need "
        "--sigma or --level. With --data the "
        "figure is the mean squared error of the predicted noise, in units of its variance, "
        "by which models are compared.",
    .run = run_denoise,
    .shared = true,
};
