/* diffc sample: images, or points, from a trained model. */
#include <diffc.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/parallel.h"
#include "base/term.h"
#include "cli/cli.h"
#include "cli/fit_images.h"
#include "cli/sample_output.h"
#include "cli/sample_plan.h"
#include "math/vec.h"
#include "model/best_steps.h"
#include "model/sampling.h"

enum { FIT_IMAGES = 32 };

typedef struct {
    const SamplePlan *plan;
    Model model;
    LevelGrid grid;
    Denoiser denoiser;
    SampleOutput output;
    char stem[PATH_BYTES];
    double *x, *scratch;
    int next; /* the first image of the running batch */
    int done; /* finished images, with those that --continue found */
    JsonWriter settings;
    long calls;       /* of an image of the finished batches, the most */
    SampleRun run;    /* of the running batch */
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
    if (!ok || *end || h < 1 || w < 1 || h > IMAGE_MAX_SIDE || w > IMAGE_MAX_SIDE) {
        return err_set(err, ERR_USAGE,
                       "--size is '%.40s'; it must be like 64 or 48x64, each from 1 to %d", text,
                       IMAGE_MAX_SIDE);
    }
    *height = (int)h;
    *width = (int)w;
    return true;
}

static bool report_progress(void *context, long calls)
{
    const Job *job = context;
    int count = job->plan->count;
    long expected = job->run.expected_calls;
    double part = expected > 0 ? fmin(1, (double)calls / (double)expected) : 0;
    double images = job->done + part * job->batch_images;
    double made = images - job->output.kept_count;
    double seconds = clock_seconds() - job->start;
    char left[24];
    term_format_duration(left, made > 0 ? seconds / made * (count - images) : -1);
    char of[32] = "";
    if (expected > 0) snprintf(of, sizeof of, " of %ld", expected);
    const char *noun = job->plan->noun;
    term_progress("%d of %d %ss, network call %ld%s, %.3g %ss/s, %s left", job->done, count, noun,
                  calls, of, seconds > 0 ? made / seconds : 0.0, noun, left);
    return !interrupt_requested();
}

static bool run_batch(Job *job, int images, Err *err)
{
    const SamplePlan *p = job->plan;
    SampleRun *run = &job->run;
    *run = p->run;
    run->grid = &job->grid;
    run->progress = report_progress;
    run->progress_context = job;
    job->batch_images = images;
    if (!model_sample(&job->model, p->sampler, run, &job->denoiser, p->seed + (uint64_t)job->next,
                      images, job->x, job->scratch, err))
        return false;
    if (run->network_calls > job->calls) job->calls = run->network_calls;
    size_t dims = job->denoiser.dims;
    for (int i = 0; i < images; i++) {
        if (!sample_output_put(&job->output, job->next + i, job->x + (size_t)i * dims, err))
            return false;
    }
    job->done += images;
    job->next += images;
    return true;
}

/* The images of the next batch: neighbours that are not finished. 0: all are. */
static int next_batch(Job *job)
{
    const SamplePlan *p = job->plan;
    const unsigned char *kept = job->output.kept; /* NULL: points */
    int images = 0;
    while (kept && job->next < p->count && kept[job->next]) job->next++;
    while (images < p->batch && job->next + images < p->count &&
           !(kept && kept[job->next + images]))
        images++;
    return images;
}

static bool keeps_images(const Job *job)
{
    return job->output.part.fd >= 0 && (job->done > 0 || job->output.kept_count > 0);
}

static bool run_batches(Job *job, Err *err)
{
    const SamplePlan *p = job->plan;
    job->start = clock_seconds();
    job->done = job->output.kept_count;
    if (job->output.go_on)
        term_note("%d of %d %ss are finished; the others are made", job->done, p->count, p->noun);
    for (int images; (images = next_batch(job)) > 0;) {
        if (run_batch(job, images, err)) continue;
        if (err->kind != ERR_INTERRUPTED) return false;
        return err_set(err, ERR_INTERRUPTED, "interrupted after %d of %d %ss; %s", job->done,
                       p->count, p->noun,
                       keeps_images(job) ? "the same command with --continue goes on from there"
                                         : "nothing was written");
    }
    return sample_output_finish(&job->output, err);
}

static bool report(const Job *job, bool json, Err *err)
{
    const SamplePlan *p = job->plan;
    const SampleOutput *o = &job->output;
    double seconds = clock_seconds() - job->start;
    const char *const files[] = {o->grid, o->npz, o->folder, o->csv};
    enum { FILES = sizeof files / sizeof *files };
    const char *first = NULL;
    for (int i = FILES - 1; i >= 0; i--)
        if (files[i]) first = files[i];
    if (json) {
        JsonWriter w;
        output_begin(&w);
        json_put_string(&w, "event", "done");
        json_put_int(&w, "images", p->count);
        if (o->go_on) json_put_int(&w, "kept", o->kept_count);
        json_put_int(&w, "network_calls", job->calls);
        json_put_number(&w, "seconds", seconds);
        json_put_string(&w, "out", o->grid ? o->grid : o->folder ? o->folder : first);
        if (o->folder) json_put_string(&w, "out_dir", o->folder);
        if (o->npz) json_put_string(&w, "npz", o->npz);
        if (o->csv) json_put_string(&w, "csv", o->csv);
        json_put_string(&w, "model", p->path);
        json_put_string(&w, "sampler", p->sampler->name);
        json_put_int(&w, "steps", job->grid.n);
        json_put_uint(&w, "seed", p->seed);
        json_put_int(&w, "batch", p->batch);
        json_put_int(&w, "threads", parallel_threads());
        return output_json(&w, err);
    }
    for (int i = 0; i < FILES; i++) {
        if (files[i]) output_line("%s", files[i]);
    }
    if (o->outside > 0)
        term_note("%zu of the points lie%s outside the picture", o->outside,
                  o->outside == 1 ? "s" : "");
    char took[24];
    term_format_duration(took, seconds);
    term_note("%d %s%s in %s, %.3g %ss/s, %ld network call%s each, seeds %" PRIu64 " to %" PRIu64,
              p->count, p->noun, p->count == 1 ? "" : "s", took,
              (p->count - o->kept_count) / seconds, p->noun, job->calls, job->calls == 1 ? "" : "s",
              p->seed, p->seed + (uint64_t)p->count - 1);
    return true;
}

/* NAME of the pictures NAME-1.png, NAME-2.png ...: the run's or the model folder's. */
static void name_after_model(const char *path, char *stem)
{
    char real[PATH_MAX];
    snprintf(stem, PATH_BYTES, "model");
    if (!realpath(path, real)) return;
    char *slash = strrchr(real, '/');
    /* runs/demo/model is called demo. */
    if (slash && slash != real && strcmp(slash, "/model") == 0) {
        *slash = '\0';
        slash = strrchr(real, '/');
    }
    if (slash && slash[1]) snprintf(stem, PATH_BYTES, "%s", slash + 1);
}

/* Where the images go, checked. */
static bool plan_output(Job *job, const Arguments *a, Err *err)
{
    const SamplePlan *p = job->plan;
    const OptionValue *v = a->values;
    SampleOutput *o = &job->output;
    if (v[SAMPLE_ROW_CONTINUE].given && !v[SAMPLE_ROW_OUT_DIR].given && !v[SAMPLE_ROW_NPZ].given)
        return err_set(err, ERR_USAGE,
                       "--continue finishes an interrupted --out-dir or --npz; name it");
    bool elsewhere =
        v[SAMPLE_ROW_OUT_DIR].given || v[SAMPLE_ROW_NPZ].given || v[SAMPLE_ROW_CSV].given;
    *o = (SampleOutput){.grid = v[SAMPLE_ROW_OUT].text,
                        .folder = v[SAMPLE_ROW_OUT_DIR].text,
                        .npz = v[SAMPLE_ROW_NPZ].text,
                        .csv = v[SAMPLE_ROW_CSV].text,
                        .go_on = v[SAMPLE_ROW_CONTINUE].given,
                        .part = {.fd = -1},
                        .points = job->model.config.network == NETWORK_MLP,
                        .toy = job->model.config.toy,
                        .image = job->model.image,
                        .count = p->count,
                        .first_seed = p->seed};
    if (!o->grid && !elsewhere) {
        name_after_model(p->path, job->stem);
        o->stem = job->stem;
    }
    return sample_output_check(o, err);
}

static void put_setting(void *context, const char *name, const char *value)
{
    json_put_string(context, name, value);
}

/* Of the files that say how the weights are used. */
static uint64_t hash_configuration(const char *folder)
{
    static const char *const names[] = {"unet/config.json", "mlp/config.json",
                                        "scheduler/scheduler_config.json"};
    enum { LIMIT = 1 << 24 };
    uint64_t hash = BYTES_HASH_START;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[PATH_BYTES];
        FileBytes file;
        if (!path_join(path, folder, names[i], NULL) || !file_read(path, LIMIT, &file, NULL))
            continue;
        hash = bytes_hash(hash, file.bytes, file.size);
        file_free(&file);
    }
    return hash;
}

/* Writes everything that the images depend on; --continue compares it. */
static bool record_settings(Job *job, Err *err)
{
    const SamplePlan *p = job->plan;
    const Model *m = &job->model;
    JsonWriter *w = &job->settings;
    char text[64];
    uint64_t levels = bytes_hash(BYTES_HASH_START, job->grid.level,
                                 (size_t)(job->grid.n + 1) * sizeof *job->grid.level);
#define PUT(name, ...) (snprintf(text, sizeof text, __VA_ARGS__), json_put_string(w, name, text))
    json_write_init(w, 0);
    json_begin_object(w, NULL);
    json_put_string(w, SAMPLE_PART_KEY, DIFFC_VERSION);
    sample_plan_settings(p, put_setting, w);
    PUT("the checksum of the weights", "%016" PRIx64,
        bytes_hash(BYTES_HASH_START, m->weights, m->table.block_floats * sizeof(float)));
    PUT("the checksum of the model's files", "%016" PRIx64, hash_configuration(m->folder));
    PUT("the checksum of the noise levels", "%016" PRIx64, levels);
    PUT("size", "%dx%dx%d", m->image.H, m->image.W, m->image.C);
    if (p->label >= 0)
        PUT("label", "%d", p->label);
    else
        json_put_string(w, "label", "by seed");
    PUT("seed", "%" PRIu64, p->seed);
    PUT("instructions", "%s", vec_describe());
#undef PUT
    json_end_object(w);
    job->output.settings = json_text(w);
    return job->output.settings || err_set(err, ERR_MEMORY, "not enough memory for the settings");
}

static bool make_images(Job *job, const Arguments *a, Err *err)
{
    const SamplePlan *p = job->plan;
    const OptionValue *v = a->values;
    sample_plan_describe(p, job->output.parameters, sizeof job->output.parameters);
    SpacingKind spacing = p->spacing == SPACING_DP ? SPACING_EVEN : p->spacing;
    if (!sampler_grid(p->sampler, &p->run, spacing, p->calls, &job->grid, err) ||
        !record_settings(job, err) || !sample_output_open(&job->output, err) ||
        !model_prepare(&job->model, p->batch, p->label, &job->denoiser, err))
        return false;
    size_t values = (size_t)p->batch * job->denoiser.dims;
    job->x = mem_doubles(values);
    job->scratch = mem_doubles(SAMPLER_SCRATCH * values);
    if (!job->x || !job->scratch)
        return err_set(err, ERR_MEMORY, "not enough memory for a batch of %d %ss", p->batch,
                       p->noun);
    char size[32] = "";
    if (!job->output.points)
        snprintf(size, sizeof size, " of %dx%d", job->model.image.H, job->model.image.W);
    SampleRun walk = p->run;
    walk.grid = &job->grid;
    char langevin[40] = "";
    if (p->sampler->reads & SAMPLE_LANGEVIN)
        snprintf(langevin, sizeof langevin, ", Langevin step %.3g", langevin_step_of(&walk));
    term_note("%s: %d %s%s%s, sampler %s, %d step%s%s, batch %d, %d thread%s", p->path, p->count,
              p->noun, p->count == 1 ? "" : "s", size, p->sampler->name, job->grid.n,
              job->grid.n == 1 ? "" : "s", langevin, p->batch, parallel_threads(),
              parallel_threads() == 1 ? "" : "s");
    return run_batches(job, err) && report(job, v[SAMPLE_ROW_JSON].given, err);
}

/* The spacing dp: the model becomes the chain of the chosen steps, which are then all taken. */
static bool take_best_steps(Model *model, const SamplePlan *plan, const Arguments *a, Err *err)
{
    MeasuredImages images;
    if (!check_steps(model, SPACING_DP, plan->calls, err)) return false;
    bool ok =
        fit_images_open(&images, model, a->values[SAMPLE_ROW_FIT_DATA].text, FIT_IMAGES, 0, err) &&
        choose_steps(model, SPACING_DP, plan->calls, &images, plan->label < 0 ? 0 : plan->label,
                     plan->run.config.clip, err);
    fit_images_close(&images);
    return ok;
}

static bool run_sample(const Arguments *a, Err *err)
{
    const OptionValue *v = a->values;
    SamplePlan plan = {.label = -1};
    Job job = {.plan = &plan, .output.part.fd = -1};
    int height = 0, width = 0;
    if (v[SAMPLE_ROW_SIZE].given && !parse_size(v[SAMPLE_ROW_SIZE].text, &height, &width, err))
        return false;
    begin_work(&v[SAMPLE_ROW_QUIET], &v[SAMPLE_ROW_THREADS]);
    ModelNeeds needs = {.points = v[SAMPLE_ROW_CSV].given,
                        .images = height > 0 || v[SAMPLE_ROW_OUT_DIR].given ||
                                  v[SAMPLE_ROW_NPZ].given || v[SAMPLE_ROW_LABEL].given,
                        .classes = v[SAMPLE_ROW_LABEL].given};
    if (!open_model(&job.model, plan.path, &v[SAMPLE_ROW_MODEL], &needs, height, width, err))
        return false;
    bool ok = sample_plan_make(a, &job.model, &plan, err) && plan_output(&job, a, err) &&
              (plan.spacing != SPACING_DP || take_best_steps(&job.model, &plan, a, err)) &&
              make_images(&job, a, err);
    mem_free(job.x);
    mem_free(job.scratch);
    bool keep = !ok && keeps_images(&job);
    if (keep && err->kind != ERR_INTERRUPTED)
        term_note("%d of %d images are finished and stay; --continue goes on from there", job.done,
                  plan.count);
    sample_output_close(&job.output, keep);
    json_write_free(&job.settings);
    level_grid_free(&job.grid);
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
                 "diffc sample -m runs/demo --sampler ddim --steps 50 --out-dir images"},
    .options = sample_options,
    .notes =
        "Files are written whole or not at all; a file that --out, --out-dir, --npz or --csv names "
        "is replaced, with a note; a device or a pipe is written as it is. What is finished of an "
        "--out-dir or --npz is noted in a file that ends in .part, in the folder or beside the "
        "file, until all is done; with it the same command and --continue goes on after an "
        "interruption. 'The run's' is what the configuration of the run says under \"sample\"; a "
        "folder without one takes what its scheduler file says of sampling, and else the defaults "
        "of the configuration. Paths of written files go to stdout. The network calls that are "
        "reported are those of one image, whatever the batch (ode: of the one that took most).",
    .more_help = list_samplers,
    .run = run_sample,
};
