/* diffc sample: images from a trained model. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "diffc/clock.h"
#include "diffc/config.h"
#include "diffc/mem.h"
#include "diffc/model.h"
#include "diffc/parallel.h"
#include "diffc/sampler.h"
#include "diffc/term.h"
#include "sample_output.h"
#include "version.h"

enum {
    MODEL,
    SIZE,
    LABEL,
    SAMPLER,
    STEPS,
    SPACING,
    ETA,
    VARIANCE,
    CLIP,
    COUNT,
    SEED,
    BATCH,
    OUT,
    OUT_DIR,
    NPZ,
    THREADS,
    JSON,
    QUIET,
    ROWS
};

static const Option options[ROWS + 1] = {
    [MODEL] = {.name = "model",
               .letter = 'm',
               .type = OPTION_TEXT,
               .metavar = "PATH",
               .otherwise = "the newest run under runs/",
               .group = "Model",
               .help = "run folder, or model folder in the layout of diffusers"},
    [SIZE] = {.name = "size",
              .type = OPTION_TEXT,
              .metavar = "N|HxW",
              .otherwise = "the model's own",
              .group = "Model",
              .help = "height and width of the images"},
    [LABEL] = {.name = "label",
               .type = OPTION_INT,
               .metavar = "N",
               .low = 0,
               .high = 1e6,
               .otherwise = "seed modulo the number of classes",
               .group = "Model",
               .help = "class of every image, for models with classes"},
    [SAMPLER] = {.name = "sampler",
                 .type = OPTION_CHOICE,
                 .metavar = "NAME",
                 .choice = sampler_name,
                 .otherwise = "the run's",
                 .group = "Sampler",
                 .help = "see below"},
    [STEPS] = {.name = "steps",
               .letter = 's',
               .type = OPTION_INT,
               .metavar = "N",
               .low = 1,
               .high = 1e6,
               .otherwise = "the run's",
               .group = "Sampler",
               .help = "steps per image, up to the steps the model was trained with"},
    [SPACING] = {.name = "spacing",
                 .type = OPTION_CHOICE,
                 .metavar = "KIND",
                 .choice = spacing_name,
                 .otherwise = "the run's",
                 .group = "Sampler",
                 .help = "which of the trained steps are taken"},
    [ETA] = {.name = "eta",
             .type = OPTION_REAL,
             .metavar = "X",
             .low = 0,
             .high = 1,
             .otherwise = "the run's",
             .group = "Sampler",
             .help = "ddim: fresh noise per step; 0 none, 1 as much as ddpm"},
    [VARIANCE] = {.name = "variance",
                  .type = OPTION_CHOICE,
                  .metavar = "KIND",
                  .choice = variance_name,
                  .otherwise = "the run's",
                  .group = "Sampler",
                  .help = "ddpm: variance of a step"},
    [CLIP] = {.name = "clip",
              .type = OPTION_SWITCH,
              .otherwise = "the run's",
              .group = "Sampler",
              .help = "keep the predicted image within [-1, 1] at every step"},
    [COUNT] = {.name = "count",
               .letter = 'n',
               .type = OPTION_INT,
               .metavar = "N",
               .low = 1,
               .high = 1e7,
               .otherwise = "the run's",
               .group = "Images",
               .help = "images to make"},
    [SEED] = {.name = "seed",
              .type = OPTION_SEED,
              .metavar = "N",
              .otherwise = "the run's",
              .group = "Images",
              .help = "seed of the first image; image k has seed N + k and is the same image "
                      "whatever the batch, the count and the threads"},
    [BATCH] = {.name = "batch",
               .letter = 'b',
               .type = OPTION_INT,
               .metavar = "N",
               .low = 1,
               .high = 65536,
               .otherwise = "what suits the cache",
               .group = "Images",
               .help = "images made together"},
    [OUT] = {.name = "out",
             .letter = 'o',
             .type = OPTION_TEXT,
             .metavar = "FILE",
             .otherwise = "grid.png when neither --out-dir nor --npz is given",
             .group = "Images",
             .help = "one PNG picture of all images"},
    [OUT_DIR] = {.name = "out-dir",
                 .type = OPTION_TEXT,
                 .metavar = "DIR",
                 .group = "Images",
                 .help = "one PNG file per image, named by its seed: 000007.png"},
    [NPZ] = {.name = "npz",
             .type = OPTION_TEXT,
             .metavar = "FILE",
             .group = "Images",
             .help = "all images as bytes arr_0 [N,H,W,C], for evaluation programs"},
    [THREADS] = OPTION_ROW_THREADS,
    [JSON] = OPTION_ROW_JSON,
    [QUIET] = OPTION_ROW_QUIET,
};

/* Everything that decides the images, after defaults, run and options. */
typedef struct {
    char path[PATH_BYTES];
    const Sampler *sampler;
    int steps, count, batch;
    SpacingKind spacing;
    VarianceKind variance;
    double eta;
    bool clip;
    uint64_t seed;
    int label; /* -1: by seed */
} Plan;

typedef struct {
    const Plan *plan;
    Model model;
    StepGrid grid;
    Denoiser denoiser;
    SampleOutput output;
    double *x, *scratch;
    int done;   /* finished images */
    long calls; /* of finished batches */
    long calls_per_image;
    int batch_images; /* of the running batch */
    double start;
} Job;

static bool parse_size(const char *text, int *height, int *width, Err *err)
{
    char *end;
    long h = strtol(text, &end, 10), w = h;
    bool ok = end != text;
    if (ok && *end == 'x') {
        const char *second = end + 1;
        w = strtol(second, &end, 10);
        ok = end != second;
    }
    if (!ok || *end || h < 1 || w < 1 || h > 8192 || w > 8192) {
        return err_set(err, ERR_USAGE,
                       "--size is '%.40s'; it must be like 64 or 48x64, each from 1 to 8192", text);
    }
    *height = (int)h;
    *width = (int)w;
    return true;
}

static bool choose_model(const Arguments *a, char *path, Err *err)
{
    if (a->values[MODEL].given) {
        snprintf(path, PATH_BYTES, "%s", a->values[MODEL].text);
        return true;
    }
    if (!model_newest_run("runs", path, err)) return false;
    term_note("model: %s (the newest run)", path);
    return true;
}

/* The run's own settings, where the model lies in a run that has them. */
static bool load_settings(const Model *m, Config *c, Err *err)
{
    char path[PATH_BYTES];
    config_defaults(c);
    c->sample.variance = m->config.variance;
    c->sample.clip = m->config.clip;
    if (!m->run[0]) return true;
    return path_join(path, m->run, "config.json", err) &&
           (!path_exists(path) || config_load(c, path, err));
}

static bool only_with(const Arguments *a, int row, const Sampler *chosen, const char *owner,
                      Err *err)
{
    if (!a->values[row].given || strcmp(chosen->name, owner) == 0) return true;
    return err_set(err, ERR_USAGE, "--%s belongs to the sampler %s; %s does not use it",
                   options[row].name, owner, chosen->name);
}

static bool make_plan(const Arguments *a, const Model *m, Plan *p, Err *err)
{
    const OptionValue *v = a->values;
    Config c;
    if (!load_settings(m, &c, err)) {
        config_free(&c);
        return false;
    }
    p->sampler = sampler_find(v[SAMPLER].given ? v[SAMPLER].text : c.sample.sampler);
    /* The run's number of steps belongs to the run's sampler. */
    bool own = !v[SAMPLER].given || strcmp(v[SAMPLER].text, c.sample.sampler) == 0;
    p->steps = v[STEPS].given ? (int)v[STEPS].integer : own ? c.sample.steps : 0;
    p->count = v[COUNT].given ? (int)v[COUNT].integer : c.sample.count;
    p->batch = v[BATCH].given ? (int)v[BATCH].integer : c.sample.batch;
    p->spacing = v[SPACING].given ? (SpacingKind)v[SPACING].integer : c.sample.spacing;
    p->variance = v[VARIANCE].given ? (VarianceKind)v[VARIANCE].integer : c.sample.variance;
    p->eta = v[ETA].given ? v[ETA].real : c.sample.eta;
    p->clip = v[CLIP].given ? v[CLIP].integer : c.sample.clip;
    p->seed = v[SEED].given ? v[SEED].seed : c.sample.seed;
    p->label = v[LABEL].given ? (int)v[LABEL].integer : -1;
    char name[sizeof c.sample.sampler];
    memcpy(name, c.sample.sampler, sizeof name);
    config_free(&c);

    if (!p->sampler)
        return err_set(err, ERR_USAGE, "%s: sample.sampler is '%s', which is unknown", m->run,
                       name);
    if (!only_with(a, ETA, p->sampler, "ddim", err) ||
        !only_with(a, VARIANCE, p->sampler, "ddpm", err))
        return false;
    int T = m->schedule.T, classes = m->config.unet.classes;
    if (p->steps == 0) p->steps = strcmp(p->sampler->name, "ddpm") == 0 || T < 50 ? T : 50;
    if (p->label >= 0 && classes == 0)
        return err_set(err, ERR_USAGE, "--label is given, but the model has no classes");
    if (p->label >= 0 && p->label >= classes) {
        return err_set(err, ERR_USAGE, "--label is %d; the model's classes are 0 to %d", p->label,
                       classes - 1);
    }
    if (p->batch == 0) p->batch = p->count < NETWORK_SAMPLE_BATCH ? p->count : NETWORK_SAMPLE_BATCH;
    if (p->batch > p->count) p->batch = p->count;
    return true;
}

static bool report_progress(void *context, long calls)
{
    const Job *job = context;
    int count = job->plan->count;
    double part = fmin(1, (double)calls / (double)job->calls_per_image);
    double images = job->done + part * job->batch_images;
    double seconds = clock_seconds() - job->start;
    char left[24];
    term_format_duration(left, images > 0 ? seconds / images * (count - images) : -1);
    term_progress("%d of %d images, step %ld of %ld, %.3g images/s, %s left", job->done, count,
                  calls, job->calls_per_image, seconds > 0 ? images / seconds : 0.0, left);
    return !interrupt_requested();
}

static bool run_batch(Job *job, int images, Err *err)
{
    const Plan *p = job->plan;
    SeedNoise seeds = {.first_seed = p->seed + (uint64_t)job->done};
    NoiseSource noise = seed_noise(&seeds);
    SampleRun run = {
        .schedule = &job->model.schedule,
        .grid = &job->grid,
        .variance = p->variance,
        .eta = p->eta,
        .clip = p->clip,
        .clip_range = job->model.config.clip_range,
        .progress = report_progress,
        .progress_context = job,
    };
    int classes = job->model.config.unet.classes;
    /* The class goes by the seed, so that an image made alone keeps it. */
    if (classes > 0) job->model.denoiser.first_image = (int)(seeds.first_seed % (uint64_t)classes);
    job->batch_images = images;
    if (!p->sampler->run(&run, &job->denoiser, &noise, images, job->x, job->scratch, err))
        return false;
    job->calls += run.network_calls;
    job->calls_per_image = run.network_calls;
    size_t dims = job->denoiser.dims;
    for (int i = 0; i < images; i++) {
        if (!sample_output_put(&job->output, job->done + i, job->x + (size_t)i * dims, err))
            return false;
    }
    job->done += images;
    return true;
}

static bool run_batches(Job *job, Err *err)
{
    const Plan *p = job->plan;
    job->start = clock_seconds();
    job->calls_per_image = job->grid.n;
    while (job->done < p->count) {
        int left = p->count - job->done;
        if (run_batch(job, left < p->batch ? left : p->batch, err)) continue;
        if (err->kind != ERR_INTERRUPTED) return false;
        return err_set(err, ERR_INTERRUPTED, "interrupted after %d of %d images; %s", job->done,
                       p->count,
                       job->output.folder && job->done > 0 ? "those are in the folder"
                                                           : "nothing was written");
    }
    return sample_output_finish(&job->output, err);
}

static bool report(const Job *job, bool json, Err *err)
{
    const Plan *p = job->plan;
    const SampleOutput *o = &job->output;
    double seconds = clock_seconds() - job->start;
    const char *const files[] = {o->grid, o->npz, o->folder};
    if (json) {
        JsonWriter w;
        json_write_init(&w, 0);
        json_begin_object(&w, NULL);
        json_put_string(&w, "event", "done");
        json_put_int(&w, "images", p->count);
        json_put_int(&w, "network_calls", job->calls);
        json_put_number(&w, "seconds", seconds);
        json_put_string(&w, "out", o->grid ? o->grid : o->folder ? o->folder : o->npz);
        if (o->folder) json_put_string(&w, "out_dir", o->folder);
        if (o->npz) json_put_string(&w, "npz", o->npz);
        json_put_string(&w, "model", p->path);
        json_put_string(&w, "sampler", p->sampler->name);
        json_put_int(&w, "steps", p->steps);
        json_put_uint(&w, "seed", p->seed);
        json_put_int(&w, "batch", p->batch);
        json_put_int(&w, "threads", parallel_threads());
        json_end_object(&w);
        return output_json(&w, err);
    }
    for (int i = 0; i < 3; i++) {
        if (files[i]) output_line("%s", files[i]);
    }
    char took[24];
    term_format_duration(took, seconds);
    term_note("%d image%s in %s, %.3g images/s, seeds %" PRIu64 " to %" PRIu64, p->count,
              p->count == 1 ? "" : "s", took, p->count / seconds, p->seed,
              p->seed + (uint64_t)p->count - 1);
    return true;
}

static void describe(const Plan *p, char *out, size_t size)
{
    int n = snprintf(out, size, "diffc %s: model %s, sampler %s, steps %d, spacing %s, clip %s",
                     DIFFC_VERSION, p->path, p->sampler->name, p->steps,
                     spacing_name((int)p->spacing), p->clip ? "yes" : "no");
    if (n < 0 || (size_t)n >= size) return;
    if (strcmp(p->sampler->name, "ddim") == 0)
        snprintf(out + n, size - (size_t)n, ", eta %g", p->eta);
    else if (strcmp(p->sampler->name, "ddpm") == 0)
        snprintf(out + n, size - (size_t)n, ", variance %s", variance_name((int)p->variance));
}

static bool make_images(Job *job, const Arguments *a, Err *err)
{
    const Plan *p = job->plan;
    const OptionValue *v = a->values;
    bool elsewhere = v[OUT_DIR].given || v[NPZ].given;
    job->output.grid = v[OUT].given ? v[OUT].text : elsewhere ? NULL : "grid.png";
    job->output.folder = v[OUT_DIR].text;
    job->output.npz = v[NPZ].text;
    job->output.image = job->model.image;
    job->output.count = p->count;
    job->output.first_seed = p->seed;
    describe(p, job->output.parameters, sizeof job->output.parameters);

    if (!step_grid_make(&job->grid, p->spacing, job->model.schedule.T, p->steps, err) ||
        !sample_output_open(&job->output, err) ||
        !model_prepare(&job->model, p->batch, p->label, &job->denoiser, err))
        return false;
    size_t values = (size_t)p->batch * job->denoiser.dims;
    job->x = mem_doubles(values);
    job->scratch = mem_doubles(SAMPLER_SCRATCH * values);
    if (!job->x || !job->scratch)
        return err_set(err, ERR_MEMORY, "there is no memory for a batch of %d images", p->batch);
    term_note("%s: %d image%s of %dx%d, sampler %s, %d step%s, batch %d, %d thread%s", p->path,
              p->count, p->count == 1 ? "" : "s", job->model.image.H, job->model.image.W,
              p->sampler->name, p->steps, p->steps == 1 ? "" : "s", p->batch, parallel_threads(),
              parallel_threads() == 1 ? "" : "s");
    return run_batches(job, err) && report(job, v[JSON].given, err);
}

static bool run_sample(const Arguments *a, Err *err)
{
    const OptionValue *v = a->values;
    Plan plan = {.label = -1};
    Job job = {.plan = &plan};
    int height = 0, width = 0;
    if (v[SIZE].given && !parse_size(v[SIZE].text, &height, &width, err)) return false;
    if (v[THREADS].given) parallel_set_threads((int)v[THREADS].integer);
    term_set_quiet(v[QUIET].given);
    note_instructions();
    if (!choose_model(a, plan.path, err)) return false;
    if (!model_open(&job.model, plan.path, height, width, err)) return false;
    for (int i = 0; i < job.model.config.warning_count; i++)
        term_note("warning: %s", job.model.config.warnings[i]);
    bool ok = make_plan(a, &job.model, &plan, err) && make_images(&job, a, err);
    mem_free(job.x);
    mem_free(job.scratch);
    sample_output_close(&job.output);
    step_grid_free(&job.grid);
    model_close(&job.model);
    return ok;
}

static void list_samplers(FILE *out)
{
    fputs("\nSamplers:\n", out);
    for (const Sampler *s = samplers; s->name; s++) {
        int at = fprintf(out, "  %s", s->name);
        help_wrap(out, at, 16, s->summary);
    }
}

const Command command_sample = {
    .name = "sample",
    .summary = "Make images with a trained model",
    .words = "",
    .examples = {"diffc sample --out grid.png",
                 "diffc sample -m runs/fashion-ddpm --sampler ddim --steps 50 --out-dir images"},
    .options = options,
    .notes = "Files are written whole or not at all. 'The run's' is what the configuration of the "
             "run says under \"sample\"; a folder without one takes the defaults of the "
             "configuration. Paths of written files go to stdout.",
    .more_help = list_samplers,
    .run = run_sample,
};
