#include "cli/sample_make.h"

#include <diffc.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/parallel.h"
#include "base/shared_work.h"
#include "base/term.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/sample_film.h"
#include "cli/summary.h"
#include "math/vec.h"
#include "model/class_labels.h"
#include "model/denoise.h"
#include "model/model_use.h"

typedef struct {
    const SamplePlan *plan;
    Model *model;
    SampleOutput *output;
    LevelGrid grid;
    Denoiser denoiser;
    SampleFilm film;
    double *x, *scratch;
    int next; /* the first image that may not be finished */
    int done; /* finished images, with those that --continue found */
    JsonWriter settings;
    long calls;      /* of an image of the finished rounds, the most */
    WorkRound round; /* the running round, */
    SampleRun run;   /* and how this process makes its share of it */
    double *missed;  /* of the round's images, Restore.missed; NULL: nothing is restored */
    double squares;  /* the sum over those of finished rounds */
    double start;
} Job;

static bool report_progress(void *context, long calls)
{
    const Job *job = context;
    int count = job->plan->count;
    long expected = job->run.expected_calls;
    double part = expected > 0 ? fmin(1, (double)calls / (double)expected) : 0;
    double images = job->done + part * (double)job->round.count;
    double made = images - job->output->kept_count;
    double seconds = clock_seconds() - job->start;
    char left[24];
    term_format_duration(left, made > 0 ? seconds / made * (count - images) : -1);
    char of[32] = "";
    if (expected > 0) snprintf(of, sizeof of, " of %ld", expected);
    const char *noun = job->plan->noun;
    char speed[AMOUNT_BYTES];
    format_speed(speed, seconds > 0 ? made / seconds : 0);
    term_progress("%d of %d %s%s, network call %ld%s, %s %ss/s, %s left", job->done, count, noun,
                  count == 1 ? "" : "s", calls, of, speed, noun, left);
    return !interrupt_requested();
}

/* This process's images of the round. */
static bool make_share(Job *job, Err *err)
{
    const SamplePlan *p = job->plan;
    const WorkRound *round = &job->round;
    SampleRun *run = &job->run;
    int first = (int)round->own, images = (int)(round->own_end - round->own);
    if (images == 0) return true;
    *run = p->run;
    run->grid = &job->grid;
    run->progress = report_progress;
    run->progress_context = job;
    if (run->restore) run->restore->missed = job->missed + (round->own - round->first);
    sample_film_begin(&job->film, run, first);
    if (job->output->labels) job->model->denoiser.labels = job->output->labels + first;
    if (!model_sample(job->model, p->sampler, run, &job->denoiser, p->seed + (uint64_t)first,
                      images, job->x, job->scratch, err))
        return false;
    if (run->network_calls > job->calls) job->calls = run->network_calls;
    for (int i = 0; i < images; i++) {
        const double *x = job->x + (size_t)i * job->denoiser.dims;
        sample_output_put(job->output, first + i, x);
        sample_film_end(&job->film, first + i, x);
    }
    return true;
}

static bool run_round(Job *job, Err *err)
{
    int first = (int)job->round.first, images = (int)job->round.count;
    job->output->round_first = first;
    if (!work_agree(make_share(job, err), err) ||
        !sample_output_end_round(job->output, images, err))
        return false;
    sample_film_gather(&job->film, first, images);
    if (job->missed) world_gather(job->missed, (size_t)images, sizeof *job->missed);
    for (int i = 0; i < images && job->missed; i++) job->squares += job->missed[i];
    job->done += images;
    job->next = first + images;
    return true;
}

/* Neighbours that are not finished; false: all are. */
static bool next_round(Job *job)
{
    const SamplePlan *p = job->plan;
    const unsigned char *kept = job->output->kept; /* NULL: points */
    while (kept && job->next < p->count && kept[job->next]) job->next++;
    int end = job->next;
    while (end < p->count && end - job->next < job->output->round && !(kept && kept[end])) end++;
    job->round = work_round((size_t)job->next, (size_t)(end - job->next), (size_t)p->batch);
    return job->round.count > 0;
}

static bool keeps_images(const Job *job)
{
    return job->output->lasting && (job->done > 0 || job->output->kept_count > 0);
}

static bool run_rounds(Job *job, Err *err)
{
    const SamplePlan *p = job->plan;
    job->start = clock_seconds();
    job->done = job->output->kept_count;
    if (job->output->go_on)
        term_note("%d of %d %ss are finished; the others are made", job->done, p->count, p->noun);
    while (next_round(job)) {
        if (run_round(job, err)) continue;
        if (err->kind != ERR_INTERRUPTED) return false;
        return err_set(err, ERR_INTERRUPTED, "interrupted after %d of %d %s%s; %s", job->done,
                       p->count, p->noun, p->count == 1 ? "" : "s",
                       keeps_images(job) ? "the same command with --continue goes on from there"
                                         : "nothing was written");
    }
    job->calls = world_greatest((int)job->calls);
    /* A file that cannot be written does not keep the films from being written. */
    bool ok = sample_output_finish(job->output, err);
    return sample_film_write(&job->film, job->output, ok ? err : NULL) && ok;
}

/* The class of each image, and their names. */
static void json_labels(JsonWriter *w, const SampleOutput *o)
{
    json_begin_row(w, "labels");
    for (int i = 0; i < o->count; i++) json_put_int(w, NULL, o->labels[i]);
    json_end_array(w);
    class_names_json(w, o->model->class_names, o->model->unet.classes);
}

static void note_rows(const SampleOutput *o)
{
    char text[1024] = "", name[CLASS_TEXT_BYTES];
    if (!o->grid || !o->columns) return;
    for (int i = 0; i < o->count; i += o->columns)
        text_add(text, sizeof text, ", ", model_class_text(o->model, o->labels[i], name));
    term_note("rows of %s: %s", o->grid, text);
}

/* How far what is known was missed before it was put back, in levels of grey. */
static double known_missed(const Job *job)
{
    double values = (double)job->plan->count * (double)operator_known(&job->plan->run.restore->a);
    return noise_in_greys((NoiseLevel){.alpha = 1, .sigma = sqrt(job->squares / values)});
}

static bool report(const Job *job, bool json, Err *err)
{
    const SamplePlan *p = job->plan;
    const SampleOutput *o = job->output;
    double seconds = clock_seconds() - job->start;
    const char *const files[] = {o->grid, o->npz, o->folder, o->csv, o->film, o->frames};
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
        if (o->film) json_put_string(&w, "film", o->film);
        if (o->frames) json_put_string(&w, "frames", o->frames);
        if (o->labels) json_labels(&w, o);
        json_put_string(&w, "model", p->path);
        json_put_string(&w, "sampler", p->sampler->name);
        if (!(p->sampler->reads & SAMPLE_ODE)) json_put_int(&w, "steps", job->grid.n);
        if (guidance_is_on(&p->run.config)) {
            json_put_number(&w, "guidance", p->run.config.guidance);
            json_put_number(&w, "guidance_low", p->run.config.guidance_low);
            if (p->run.config.guidance_high > 0)
                json_put_number(&w, "guidance_high", p->run.config.guidance_high);
        }
        if (p->run.between.count == 0) json_put_uint(&w, "seed", p->seed);
        json_put_int(&w, "batch", p->batch);
        json_put_int(&w, "threads", parallel_threads());
        if (world_size() > 1) json_put_int(&w, "processes", world_size());
        sample_plan_json_sources(p, &w);
        if (p->run.restore) json_put_number(&w, "known_missed", known_missed(job));
        return output_json(&w, err);
    }
    output_names(files, FILES);
    if (o->outside > 0)
        term_note("%zu of the points lie%s outside the picture", o->outside,
                  o->outside == 1 ? "s" : "");
    note_rows(o);
    char took[24], speed[AMOUNT_BYTES], seeds[80];
    term_format_duration(took, seconds);
    format_speed(speed, (p->count - o->kept_count) / seconds);
    SeedPath way = p->run.between;
    bool between = way.count > 0;
    snprintf(seeds, sizeof seeds, "%sseed%s %" PRIu64, between ? "between " : "",
             p->count == 1 ? "" : "s", between ? way.from : p->seed);
    if (p->count > 1)
        text_append(seeds, sizeof seeds, " %s %" PRIu64, between ? "and" : "to",
                    between ? way.to : p->seed + (uint64_t)p->count - 1);
    term_note("%d %s%s in %s, %s %ss/s, %ld network call%s each, %s", p->count, p->noun,
              p->count == 1 ? "" : "s", took, speed, p->noun, job->calls,
              job->calls == 1 ? "" : "s", seeds);
    if (p->run.restore)
        term_note("what is known was met to %.3g levels of grey (root mean square)%s",
                  known_missed(job), p->run.restore->noise > 0 ? "" : " and then put back exactly");
    return true;
}

/* ---- what the images depend on ---- */

/* clang-format off */
/* The lines of SAMPLE_SETTINGS as settings that are reported. */
#define PUT_VALUE(m, option, wanted, reader, format, value) \
    if (sampler_reads(p->sampler, reader) && (wanted)) snprintf(text, sizeof text, format, value), put(context, option, text);
#define PUT_SWITCH(m, option, reader, ...) PUT_VALUE(m, option, true, reader, "%s", r->m ? "yes" : "no")
#define PUT_REAL(m, option, reader, lo, open, hi, d, ...) PUT_VALUE(m, option, (reader) != SAMPLE_EVERY || r->m != strtod(d, NULL), reader, "%.15g", r->m)
#define PUT_AUTO(m, option, reader, ...) PUT_VALUE(m, option, r->m > 0, reader, "%.15g", r->m)
#define PUT_INT(m, option, reader, ...) PUT_VALUE(m, option, true, reader, "%d", r->m)
#define PUT_CHOICE(m, option, reader, set, ...) PUT_VALUE(m, option, true, reader, "%s", set[r->m])
/* clang-format on */

/* Calls put(context, name, value) for every setting that the sampler reads. */
typedef void SettingPut(void *context, const char *name, const char *value);
static void put_settings(const SamplePlan *p, SettingPut *put, void *context)
{
    const SampleConfig *r = &p->run.config;
    char text[64];
    put(context, "model", p->path);
    if (p->weights != WEIGHTS_AVERAGE) put(context, "weights", weights_words[p->weights]);
    put(context, "sampler", p->sampler->name);
    snprintf(text, sizeof text, "%d", p->calls);
    put(context, "steps", p->calls > 0 ? text : "auto");
    put(context, "spacing", spacing_words[p->spacing]);
    SAMPLE_SETTINGS(PUT_SWITCH, PUT_REAL, PUT_AUTO, PUT_INT, PUT_CHOICE, PUT_CHOICE)
    for (int i = 0; i < p->sources; i++) put(context, p->source[i].name, p->source[i].value);
}

typedef struct {
    char *out;
    size_t size;
    const char *between;
} Description;

static void describe(void *context, const char *name, const char *value)
{
    Description *d = context;
    text_append(d->out, d->size, "%s%s %s", d->between, name, value);
    d->between = ", ";
}

/* "diffc 0.1: model runs/a, sampler ddim, ...": kept in the pictures. */
static void describe_plan(const SamplePlan *p, char *out, size_t size)
{
    Description d = {out, size, ""};
    out[0] = '\0';
    describe(&d, "diffc", DIFFC_VERSION);
    d.between = ": ";
    put_settings(p, describe, &d);
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
    const Model *m = job->model;
    JsonWriter *w = &job->settings;
    char text[64];
    uint64_t levels = bytes_hash(BYTES_HASH_START, job->grid.level,
                                 (size_t)(job->grid.n + 1) * sizeof *job->grid.level);
#define PUT(name, ...) (snprintf(text, sizeof text, __VA_ARGS__), json_put_string(w, name, text))
    json_write_init(w, 0);
    json_begin_object(w, NULL);
    json_put_string(w, SAMPLE_PART_KEY, DIFFC_VERSION);
    put_settings(p, put_setting, w);
    PUT("the checksum of the weights", "%016" PRIx64,
        bytes_hash(BYTES_HASH_START, m->weights, m->table.block_floats * sizeof(float)));
    PUT("the checksum of the model's files", "%016" PRIx64, hash_configuration(m->folder));
    PUT("the checksum of the noise levels", "%016" PRIx64, levels);
    if (p->source_hash) PUT("the checksum of the image", "%016" PRIx64, p->source_hash);
    PUT("size", "%dx%dx%d", m->image.H, m->image.W, m->image.C);
    if (p->label >= 0)
        PUT("label", "%d", p->label);
    else if (p->per_class > 0)
        PUT("label", "%d of each", p->per_class);
    else
        json_put_string(w, "label", "by seed");
    PUT("seed", "%" PRIu64, p->seed);
    PUT("instructions", "%s", vec_describe());
#undef PUT
    json_end_object(w);
    const char *all = job->output->settings = json_text(w);
    if (!all) return err_set(err, ERR_MEMORY, "not enough memory for the settings");
    return work_same("settings of sampling, by its model, options or CPU,", all, strlen(all), err);
}

static bool make_images(Job *job, Err *err)
{
    const SamplePlan *p = job->plan;
    size_t round = work_round(0, (size_t)p->count, (size_t)p->batch).count;
    describe_plan(p, job->output->parameters, sizeof job->output->parameters);
    job->output->round = (int)round;
    if (!sample_plan_labels(p, job->model, &job->output->labels, err) ||
        !sample_plan_grid(p, &job->grid, err) || !record_settings(job, err) ||
        !sample_output_open(job->output, err) ||
        !model_prepare_sampling(job->model, &p->run, p->batch, p->label, &job->denoiser, err))
        return false;
    if (!sample_film_open(&job->film, job->output, p->sampler->reads & SAMPLE_ODE, &job->denoiser,
                          err))
        return false;
    size_t values = (size_t)p->batch * job->denoiser.dims;
    job->x = mem_doubles(values);
    job->scratch = mem_doubles(SAMPLER_SCRATCH * values);
    if (p->run.restore) job->missed = mem_doubles(round);
    if (!job->x || !job->scratch || (p->run.restore && !job->missed))
        return err_set(err, ERR_MEMORY, "not enough memory for a batch of %d %ss", p->batch,
                       p->noun);
    char size[32] = "", way[40], more[80] = "";
    if (!job->output->points)
        snprintf(size, sizeof size, " of %dx%d", job->model->image.H, job->model->image.W);
    SampleRun walk = p->run;
    walk.grid = &job->grid;
    sample_plan_way(p, &job->grid, way, sizeof way);
    if (p->sampler->reads & SAMPLE_LANGEVIN)
        text_append(more, sizeof more, ", Langevin step %.3g", langevin_step_of(&walk));
    if (guidance_is_on(&p->run.config))
        text_append(more, sizeof more, ", guidance %g", p->run.config.guidance);
    term_note("%s: %d %s%s%s, sampler %s, %s%s, batch %d, %d thread%s", p->path, p->count, p->noun,
              p->count == 1 ? "" : "s", size, p->sampler->name, way, more, p->batch,
              parallel_threads(), parallel_threads() == 1 ? "" : "s");
    return run_rounds(job, err);
}

bool sample_make(const SamplePlan *plan, Model *model, SampleOutput *output, bool json, Err *err)
{
    Job job = {.plan = plan, .model = model, .output = output};
    bool ok = make_images(&job, err) && report(&job, json, err);
    bool keep = !ok && keeps_images(&job);
    if (keep && err->kind != ERR_INTERRUPTED)
        term_note("finished and kept: %d of %d images; --continue goes on from there", job.done,
                  plan->count);
    sample_film_close(&job.film);
    sample_output_close(output, keep);
    mem_free(job.x);
    mem_free(job.scratch);
    mem_free(job.missed);
    json_write_free(&job.settings);
    level_grid_free(&job.grid);
    return ok;
}
