#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/last_lines.h"
#include "base/mem.h"

#include "math/product_blas.h"
#include "math/vec.h"
#include "train/train_internal.h"

#define STATS "stats.jsonl"

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

static bool write_config(const Trainer *t, Err *err)
{
    char path[PATH_BYTES];
    if (!path_join(path, t->run, "config.json", err)) return false;
    char *text = config_to_json(&t->config);
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
    masks_save(t);
    snprintf(t->state.level, sizeof t->state.level, "%s", vec_describe());
    t->state.record = &t->record;
    if (!checkpoint_save(t->run, &t->table, &blocks, &t->state, t->config.train.keep, err))
        return false;
    JsonWriter w = run_line(t, "checkpoint");
    json_end_object(&w);
    run_log(t, &w);
    return true;
}

/* A line of statistics. */
typedef struct {
    bool known;      /* it is one */
    double step;     /* -1: it names none */
    bool validation; /* it is about one */
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
    line->validation =
        event && json_type(event) == JSON_STRING && strcmp(json_string(event), "validation") == 0;
    json_free(json);
    return true;
}

/* The end of the lines of steps up to `now`; later steps come last, because steps only grow.
 * *validated: whether step `now` has a line about its validation. */
static bool find_cut(LastLines *l, double now, off_t *cut, bool *validated, Err *err)
{
    bool found, tail = true;
    StatsLine line;
    *validated = false;
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
        *validated |= line.validation;
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
    bool validated;
    if (!path_join(path, t->run, STATS, err)) return false;
    if (!path_exists(path)) return true;
    if (!last_lines_open(&l, path, err)) return false;
    off_t size = l.start;
    bool ok = find_cut(&l, (double)t->state.step, &cut, &validated, err);
    last_lines_close(&l);
    if (ok && validated) t->saved.validation = t->state.step;
    return ok && (cut == size || truncate(path, cut) == 0 ||
                  err_set_errno(err, "%s: cannot cut the lines after step %lld", path,
                                (long long)t->state.step));
}

bool trainer_check_run(const char *run, bool resume, Err *err)
{
    char config[PATH_BYTES];
    if (!path_join(config, run, "config.json", err)) return false;
    bool exists;
    if (!checkpoint_exists(run, &exists, err)) return false;
    exists = exists || path_exists(config);
    if (exists && !resume)
        return err_set(err, ERR_USAGE,
                       "%s: already holds a run; give --resume to continue it, or another --out",
                       run);
    if (resume && !exists)
        return err_set(err, ERR_USAGE, "%s: there is no run to resume here", run);
    return true;
}

static bool write_skipped(const Trainer *t, Err *err)
{
    char path[PATH_BYTES];
    const char *list = t->data.skipped_list;
    return !list || (path_join(path, t->run, "skipped.txt", err) &&
                     file_write(path, list, strlen(list), err));
}

bool run_begin(Trainer *t, const char *run, Err *err)
{
    char stats[PATH_BYTES];
    if (!t->locked) {
        if (!trainer_check_run(run, false, err) || !folder_make(run, err) ||
            !run_lock(&t->lock, run, err))
            return false;
        snprintf(t->run, sizeof t->run, "%s", run);
        t->locked = true;
    }
    run_lock_sign(&t->lock);
    run_remove_leftovers(t->run);
    return path_join(stats, t->run, STATS, err) && file_write(stats, "", 0, err) &&
           write_config(t, err) && write_skipped(t, err);
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

bool run_continue(Trainer *t, Err *err)
{
    run_lock_sign(&t->lock);
    run_remove_leftovers(t->run);
    find_saved(t);
    return trim_stats(t, err) && write_config(t, err) && write_skipped(t, err);
}

bool trainer_run_config(const char *run, Config *c, Err *err)
{
    char path[PATH_BYTES];
    RunRecord record;
    if (!trainer_check_run(run, true, err) || !path_join(path, run, "config.json", err))
        return false;
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

static bool later(struct timespec a, struct timespec b)
{
    return a.tv_sec != b.tv_sec ? a.tv_sec > b.tv_sec : a.tv_nsec > b.tv_nsec;
}

bool trainer_newest_run(const char *root, char *out, Err *err)
{
    static const char *const files[] = {STATS, "config.json"};
    Names names;
    bool found = false;
    struct timespec newest = {0};
    if (!path_is_folder(root))
        return err_set(err, ERR_USAGE, "there is no folder %s here, so there is no run to resume",
                       root);
    if (!folder_list(root, &names, err)) return false;
    bool ok = true;
    for (size_t i = 0; i < names.count && ok; i++)
        for (size_t k = 0; k < sizeof files / sizeof *files && ok; k++) {
            char run[PATH_BYTES], path[PATH_BYTES];
            struct stat st;
            Err reason = {0};
            if (!path_join(run, root, names.names[i], NULL)) continue;
            if (!trainer_check_run(run, true, &reason)) {
                /* A folder that cannot be read may still be a run. */
                if (reason.kind == ERR_MEMORY) ok = err_set(err, reason.kind, "%s", reason.text);
                continue;
            }
            if (!path_join(path, run, files[k], NULL) || stat(path, &st) != 0 ||
                (found && !later(file_time(&st), newest)))
                continue;
            newest = file_time(&st);
            found = true;
            snprintf(out, PATH_BYTES, "%s", run);
        }
    names_free(&names);
    if (!ok) return false;
    return found || err_set(err, ERR_USAGE, "there is no run to resume under %s", root);
}
