#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "diffc/gemm.h"
#include "diffc/mem.h"
#include "diffc/vec.h"
#include "train_internal.h"

enum { STATS_LIMIT_BYTES = 1 << 30 };

void run_note(Trainer *t, const char *format, ...)
{
    if (!t->callbacks.note) return;
    char text[2048];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    t->callbacks.note(t->callbacks.context, text);
}

void run_log(Trainer *t, JsonWriter *line)
{
    char path[PATH_BYTES];
    Err err = {0};
    const char *text = json_text(line);
    if (!text)
        run_note(t, "a line of statistics was lost: not enough memory");
    else if (!path_join(path, t->run, "stats.jsonl", &err) || !file_append_line(path, text, &err))
        run_note(t, "%s; training goes on", err.text);
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
    snprintf(t->state.blas, sizeof t->state.blas, "%s", gemm_describe());
    masks_save(t);
    snprintf(t->state.level, sizeof t->state.level, "%s", vec_level());
    t->state.record = &t->record;
    if (!checkpoint_save(t->run, &t->table, &blocks, &t->state, t->config.train.keep, err))
        return false;
    JsonWriter w;
    json_write_init(&w, 0);
    json_begin_object(&w, NULL);
    json_put_string(&w, "event", "checkpoint");
    json_put_int(&w, "step", t->state.step);
    json_end_object(&w);
    run_log(t, &w);
    return true;
}

/* Lines of statistics that were written after the checkpoint belong to work that is done again. */
static bool trim_stats(Trainer *t, Err *err)
{
    char path[PATH_BYTES];
    if (!path_join(path, t->run, "stats.jsonl", err)) return false;
    if (!path_exists(path)) return true;
    FileBytes file;
    if (!file_read(path, STATS_LIMIT_BYTES, &file, err)) return false;
    char *text = (char *)file.bytes;
    size_t kept = 0;
    for (size_t at = 0; at < file.size;) {
        char *end = memchr(text + at, '\n', file.size - at);
        size_t length = end ? (size_t)(end - (text + at)) + 1 : file.size - at;
        Err reason = {0};
        Json *line = end ? json_parse(text + at, length - 1, path, false, &reason) : NULL;
        if (reason.kind == ERR_MEMORY) {
            file_free(&file);
            return err_set(err, ERR_MEMORY, "%s", reason.text);
        }
        const Json *step = line ? json_get(line, "step") : NULL;
        bool keep = line && !(step && json_type(step) == JSON_NUMBER &&
                              json_number(step) > (double)t->state.step);
        json_free(line);
        if (keep) {
            memmove(text + kept, text + at, length);
            kept += length;
        }
        at += length;
    }
    bool ok = kept == file.size || file_write(path, text, kept, err);
    file_free(&file);
    return ok;
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
    return path_join(stats, t->run, "stats.jsonl", err) && file_write(stats, "", 0, err) &&
           write_config(t, err);
}

bool run_continue(Trainer *t, Err *err)
{
    run_lock_sign(&t->lock);
    run_remove_leftovers(t->run);
    return trim_stats(t, err) && write_config(t, err);
}

bool trainer_run_config(const char *run, Config *c, Err *err)
{
    char path[PATH_BYTES];
    RunRecord record;
    if (!trainer_check_run(run, true, err) || !path_join(path, run, "config.json", err))
        return false;
    if (path_exists(path)) return config_load(c, path, err);
    bool found;
    if (!checkpoint_peek(run, &record, &found, err)) return false;
    if (!found) return err_set(err, ERR_IO, "%s: no checkpoint says what the run is", run);
    config_free(c);
    *c = record.config;
    record.config.method.betas = NULL;
    run_record_free(&record);
    return true;
}

static bool later(struct timespec a, struct timespec b)
{
    return a.tv_sec != b.tv_sec ? a.tv_sec > b.tv_sec : a.tv_nsec > b.tv_nsec;
}

bool trainer_newest_run(const char *root, char *out, Err *err)
{
    static const char *const files[] = {"stats.jsonl", "config.json"};
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
                /* Not looked into is not the same as not a run. */
                if (reason.kind == ERR_MEMORY) ok = err_set(err, reason.kind, "%s", reason.text);
                continue;
            }
            if (!path_join(path, run, files[k], NULL) || stat(path, &st) != 0 ||
                (found && !later(st.st_mtim, newest)))
                continue;
            newest = st.st_mtim;
            found = true;
            snprintf(out, PATH_BYTES, "%s", run);
        }
    names_free(&names);
    if (!ok) return false;
    return found || err_set(err, ERR_USAGE, "there is no run to resume under %s", root);
}
