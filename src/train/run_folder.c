#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/last_lines.h"
#include "base/mem.h"
#include "math/product_blas.h"
#include "math/vec.h"
#include "model/model.h"
#include "train/train_internal.h"

#define CONFIG  "config.json"
#define STATS   "stats.jsonl"
#define SKIPPED "skipped.txt"

typedef void (*Callback)(void *context, const char *text);

static void tell(const Trainer *t, Callback callback, const char *format, va_list args)
{
    char text[2048];
    if (!callback) return;
    vsnprintf(text, sizeof text, format, args);
    callback(t->callbacks.context, text);
}

void run_note(Trainer *t, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    tell(t, t->callbacks.note, format, args);
    va_end(args);
}

void run_problem(Trainer *t, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    tell(t, t->callbacks.problem ? t->callbacks.problem : t->callbacks.note, format, args);
    va_end(args);
}

JsonWriter run_line(const Trainer *t, const char *event)
{
    JsonWriter w;
    json_write_init(&w, 0);
    json_begin_object(&w, NULL);
    json_put_string(&w, "event", event);
    json_put_int(&w, "step", t->state.step);
    return w;
}

void run_log(Trainer *t, JsonWriter *line)
{
    char path[PATH_BYTES];
    Err err = {0};
    if (t->rank > 0) {
        json_write_free(line);
        return;
    }
    json_end_object(line);
    const char *text = json_text(line);
    bool ok = text ? path_join(path, t->run, STATS, &err) && file_append_line(path, text, &err)
                   : err_set(&err, ERR_MEMORY, "not enough memory for a line of statistics");
    if (!ok && !t->log_lost)
        run_problem(t, "%s; training goes on, and lines of its log are lost", err.text);
    if (ok && t->log_lost) run_problem(t, "%s is written again; lines before are missing", path);
    t->log_lost = !ok;
    if (text && t->callbacks.line) t->callbacks.line(t->callbacks.context, text);
    json_write_free(line);
}

static bool write_config(const char *path, const Config *c, Err *err)
{
    char *text = config_to_json(c);
    if (!text) return err_set(err, ERR_MEMORY, "%s: not enough memory to write it", path);
    bool ok = file_write(path, text, strlen(text), err);
    mem_free(text);
    return ok;
}

bool run_save_model(Trainer *t, Err *err)
{
    char path[PATH_BYTES];
    if (!path_join(path, t->run, "model", err)) return false;
    return model_folder_write(path, &t->plan.model, &t->table, t->optimizer.ema, err);
}

CheckpointBlocks state_blocks(Trainer *t)
{
    const Optimizer *o = &t->optimizer;
    return (CheckpointBlocks){.weights = o->weights,
                              .ema = o->ema,
                              .m = o->m,
                              .v = o->v,
                              .method = t->masks.state,
                              .method_count = t->masks.state_count};
}

bool run_save_checkpoint(Trainer *t, Err *err)
{
    CheckpointBlocks blocks = state_blocks(t);
    snprintf(t->state.blas, sizeof t->state.blas, "%s", product_blas_name());
    if (t->learner) mask_learner_save(t->learner, t->masks.state);
    snprintf(t->state.level, sizeof t->state.level, "%s", vec_describe());
    t->state.record = &t->record;
    if (!checkpoint_save(t->run, &t->table, &blocks, &t->state, t->config.train.keep, err))
        return false;
    JsonWriter w = run_line(t, "checkpoint");
    json_put_uint(&w, "images", t->state.samples);
    json_put_number(&w, "seconds", t->state.seconds);
    run_log(t, &w);
    return true;
}

/* A line of statistics. */
typedef struct {
    bool known;      /* it is one */
    double step;     /* -1: it names none */
    bool validation; /* it is about one */
    bool distance;   /* it is about the samples' distance from the data */
} StatsLine;

/* Only a lack of memory is a failure. */
static bool read_line(const LastLines *l, StatsLine *line, Err *err)
{
    Err reason = {0};
    *line = (StatsLine){.step = -1};
    Json *json = l->whole ? json_parse(l->text, l->length, l->path, false, &reason) : NULL;
    if (reason.kind == ERR_MEMORY) return err_set(err, reason.kind, "%s", reason.text);
    if (!json) return true;
    const Json *step = json_get(json, "step"), *event = json_get(json, "event");
    line->known = true;
    if (step && json_type(step) == JSON_NUMBER) line->step = json_number(step);
    const char *name = event && json_type(event) == JSON_STRING ? json_string(event) : "";
    line->validation = strcmp(name, "validation") == 0;
    line->distance = strcmp(name, "distance") == 0;
    json_free(json);
    return true;
}

/* The end of the lines of steps up to `now`; later steps come last, because steps only grow.
 * *has: what step `now` has a line about. */
static bool find_cut(LastLines *l, double now, off_t *cut, StatsLine *has, Err *err)
{
    bool found, tail = true;
    StatsLine line;
    *has = (StatsLine){.step = now};
    for (;;) {
        if (!last_lines_next(l, &found, err)) return false;
        if (!found) break;
        if (!read_line(l, &line, err)) return false;
        if (tail && line.known && line.step <= now) {
            *cut = l->end;
            tail = false;
        }
        if (tail || !line.known) continue;
        if (line.step < now) return true;
        has->validation |= line.validation;
        has->distance |= line.distance;
    }
    if (tail) *cut = l->start;
    return true;
}

/* Removes the lines of statistics that were written after the checkpoint, whose updates are done
 * again. */
static bool trim_stats(Trainer *t, Err *err)
{
    char path[PATH_BYTES];
    LastLines l;
    off_t cut = 0;
    StatsLine has;
    if (!path_join(path, t->run, STATS, err)) return false;
    if (!path_exists(path)) return true;
    if (!last_lines_open(&l, path, err)) return false;
    off_t size = l.start;
    bool ok = find_cut(&l, (double)t->state.step, &cut, &has, err);
    last_lines_close(&l);
    if (ok && has.validation) t->saved.validation = t->state.step;
    if (ok && has.distance) t->saved.distance = t->state.step;
    return ok && (cut == size || truncate(path, cut) == 0 ||
                  err_set_errno(err, "%s: cannot cut the lines after step %lld", path,
                                (long long)t->state.step));
}

bool trainer_check_run(const char *run, bool resume, Err *err)
{
    char config[PATH_BYTES];
    if (!path_join(config, run, CONFIG, err)) return false;
    bool exists;
    if (!checkpoint_exists(run, &exists, err)) return false;
    exists = exists || path_exists(config);
    if (exists && !resume)
        return err_set(err, ERR_USAGE,
                       "%s: already holds a run; give --resume to continue it, or another --out",
                       run);
    if (resume && !exists) return err_set(err, ERR_IO, "%s: there is no run to resume here", run);
    return true;
}

static bool write_skipped(const Trainer *t, Err *err)
{
    char path[PATH_BYTES];
    const char *list = t->data.skipped_list;
    return !list ||
           (path_join(path, t->run, SKIPPED, err) && file_write(path, list, strlen(list), err));
}

static bool is_file_of_run(const void *context, const char *name)
{
    (void)context;
    return strcmp(name, CONFIG) == 0 || strcmp(name, STATS) == 0 || strcmp(name, SKIPPED) == 0 ||
           strcmp(name, "report.html") == 0;
}

bool trainer_run_keeps(const char *name)
{
    static const char *const others[] = {"model", "checkpoints", "samples", "lock"};
    bool kept = is_file_of_run(NULL, name);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        kept = kept || strcmp(name, others[i]) == 0;
    return kept;
}

static bool is_picture(const void *context, const char *name)
{
    char expected[SAMPLES_NAME_BYTES];
    (void)context;
    if (strncmp(name, "step-", 5) != 0) return false;
    samples_name(expected, strtoll(name + 5, NULL, 10));
    return strcmp(name, expected) == 0;
}

/* Removes the temporary files of dead processes, and finishes or removes a model folder that was about to be
 * put in place. The caller must hold the lock. */
static void remove_leftovers(const char *run)
{
    char path[PATH_BYTES];
    leftovers_remove(run, is_file_of_run, NULL);
    checkpoint_remove_leftovers(run);
    if (path_join(path, run, "samples", NULL)) leftovers_remove(path, is_picture, NULL);
    if (path_join(path, run, "model", NULL)) (void)model_folder_recover(path, NULL);
}

bool run_begin(Trainer *t, const char *run, Err *err)
{
    char stats[PATH_BYTES], config[PATH_BYTES];
    if (!t->locked) {
        if (!trainer_check_run(run, false, err) || !folder_make(run, err) ||
            !run_lock(&t->lock, run, err))
            return false;
        snprintf(t->run, sizeof t->run, "%s", run);
        t->locked = true;
    }
    run_lock_sign(&t->lock);
    remove_leftovers(t->run);
    return path_join(stats, t->run, STATS, err) && path_join(config, t->run, CONFIG, err) &&
           file_write(stats, "", 0, err) && write_config(config, &t->config, err) &&
           write_skipped(t, err);
}

/* Whether RUN/model holds the present moving average and kept steps. A model that cannot be read
 * does not. */
static bool model_is_current(Trainer *t)
{
    char path[PATH_BYTES];
    ModelConfig m;
    const ModelConfig *now = &t->plan.model;
    if (!path_join(path, t->run, "model", NULL) || !path_is_folder(path) ||
        !masks_refresh_model(t, NULL) || !model_folder_read_config(path, &m, NULL))
        return false;
    size_t floats = t->table.block_floats;
    float *block = mem_floats(floats);
    bool same = block && m.kept_count == now->kept_count &&
                (m.kept_count == 0 ||
                 memcmp(m.kept, now->kept, (size_t)m.kept_count * sizeof *m.kept) == 0) &&
                model_folder_read_weights(path, &t->table, block, &m, NULL) &&
                memcmp(block, t->optimizer.ema, floats * sizeof(float)) == 0;
    mem_free(block);
    model_config_free(&m);
    return same;
}

/* Finds from the files which saves of the checkpoint's step a killed process did not reach. */
static void find_saved(Trainer *t)
{
    char path[PATH_BYTES];
    t->saved.checkpoint = t->state.step;
    if (model_is_current(t)) t->saved.model = t->state.step;
    if (samples_path(t, path, NULL) && path_exists(path)) t->saved.samples = t->state.step;
}

static void note_change(void *context, const ConfigDifference *d)
{
    run_note(context, "%s: %s -> %s", d->name, d->values.a, d->values.b);
}

/* The configuration of a finished run stays that of its training, except for where the data lie. */
static bool move_data(Trainer *t, const char *path, Err *err)
{
    Config was, now = {0};
    bool there = path_exists(path);
    config_defaults(&was);
    bool ok = (there ? config_load(&was, path, err) : config_copy(&was, &t->before.config, err)) &&
              config_copy(&now, &was, err);
    take_places(&now, &t->config);
    bool moved = ok && (strcmp(was.data.path, now.data.path) != 0 ||
                        strcmp(was.data.cache, now.data.cache) != 0);
    ok = ok && config_diff(&was, &now, note_change, t, err) &&
         ((there && !moved) || write_config(path, &now, err));
    config_free(&was);
    config_free(&now);
    return ok;
}

static bool keep_config(Trainer *t, Err *err)
{
    char path[PATH_BYTES];
    if (!path_join(path, t->run, CONFIG, err)) return false;
    return finished(t) ? move_data(t, path, err) : write_config(path, &t->config, err);
}

bool run_continue(Trainer *t, Err *err)
{
    run_lock_sign(&t->lock);
    remove_leftovers(t->run);
    find_saved(t);
    return trim_stats(t, err) && keep_config(t, err) && write_skipped(t, err);
}

bool trainer_run_config(const char *run, Config *c, Err *err)
{
    char path[PATH_BYTES];
    RunRecord record;
    if (!trainer_check_run(run, true, err) || !path_join(path, run, CONFIG, err)) return false;
    if (path_exists(path)) return config_load(c, path, err);
    bool found;
    if (!checkpoint_peek(run, &record, &found, NULL, 0, err)) return false;
    if (!found) return err_set(err, ERR_IO, "%s: no checkpoint says what the run is", run);
    config_free(c);
    *c = record.config;
    record.config.method.noise.betas = NULL;
    run_record_free(&record);
    return true;
}

bool trainer_newest_run(const char *root, char *out, Err *err)
{
    RunList l;
    Err reason = {0};
    bool found = false;
    if (!path_is_folder(root))
        return err_set(err, ERR_IO, "there is no folder %s here, so there is no run to resume",
                       root);
    if (!run_list_open(&l, root, err)) return false;
    /* A folder that cannot be read for lack of memory may still be a run. */
    for (size_t i = 0; i < l.count && !found && reason.kind != ERR_MEMORY; i++)
        found = path_join(out, root, l.run[i].name, NULL) && trainer_check_run(out, true, &reason);
    run_list_close(&l);
    if (found) return true;
    if (reason.kind == ERR_MEMORY) return err_set(err, reason.kind, "%s", reason.text);
    return err_set(err, ERR_IO, "there is no run to resume under %s", root);
}
