#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

bool run_write_config(const Trainer *t, Err *err)
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

static CheckpointBlocks state_blocks(Trainer *t)
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
        Json *line = end ? json_parse(text + at, length - 1, "stats.jsonl", false, NULL) : NULL;
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

/* Earlier versions trained VP and sub-VP with Fourier features on 999 t; such a run goes on so. */
static bool keep_time_label(Trainer *t, Err *err)
{
    ModelConfig *m = &t->plan.model, saved;
    char model[PATH_BYTES], folder[PATH_BYTES], index[PATH_BYTES];
    if (model_time_kind(m) != TIME_FOURIER_LINEAR) return true;
    if (!path_join(model, t->run, "model", err)) return false;
    if (!model_folder_current(model, folder)) return true;
    if (!path_join(index, folder, "model_index.json", err)) return false;
    if (!path_exists(index)) return true;
    if (!model_folder_read_config(folder, &saved, err)) return false;
    if (model_time_kind(&saved) == TIME_FOURIER_LINEAR_999) {
        *(m->network == NETWORK_MLP ? &m->mlp.time_kind : &m->unet.time_kind) =
            TIME_FOURIER_LINEAR_999;
        run_note(
            t,
            "note: an earlier version began %s on the time label 999 t instead of t; it goes on "
            "so, but a new run learns better",
            t->run);
    }
    model_config_free(&saved);
    return true;
}

static bool resume_run(Trainer *t, Err *err)
{
    Optimizer *o = &t->optimizer;
    CheckpointBlocks blocks = state_blocks(t);
    char notes[1024] = "";
    if (!checkpoint_load_newest(t->run, &t->table, &blocks, &t->state, notes, sizeof notes, err))
        return false;
    if (!masks_restore(t, err) || !keep_time_label(t, err)) return false;
    if (notes[0]) run_note(t, "%s", notes);
    if (t->state.seed != t->config.train.seed)
        return err_set(
            err, ERR_USAGE,
            "%s: the run was started with seed %llu, so it cannot be resumed with train.seed %llu",
            t->run, (unsigned long long)t->state.seed, (unsigned long long)t->config.train.seed);
    o->step = t->state.step;
    if (strcmp(t->state.level, vec_level()) != 0)
        run_note(t,
                 "note: the run was saved with the kernels of %s and goes on with those of %s; its "
                 "last bits may differ",
                 t->state.level, vec_level());
    const Config *c = &t->config;
    if (t->state.samples !=
        (uint64_t)t->state.step * (uint64_t)c->train.batch * (uint64_t)c->train.accumulate)
        run_note(t,
                 "note: the run was made with another train.batch or train.accumulate; it goes on "
                 "with the new ones");
    run_note(t, "resuming %s at step %lld", t->run, (long long)t->state.step);
    return trim_stats(t, err);
}

bool trainer_check_run(const char *run, bool resume, Err *err)
{
    char config[PATH_BYTES];
    if (!path_join(config, run, "config.json", err)) return false;
    bool exists = checkpoint_exists(run) || path_exists(config);
    if (exists && !resume)
        return err_set(err, ERR_USAGE,
                       "%s: already holds a run; give --resume to continue it, or another --out",
                       run);
    if (resume && !exists)
        return err_set(err, ERR_USAGE, "%s: there is no run to resume here", run);
    return true;
}

bool run_prepare(Trainer *t, const char *run, bool resume, Err *err)
{
    if (!trainer_check_run(run, resume, err)) return false;
    snprintf(t->run, sizeof t->run, "%s", run);
    if (resume && !checkpoint_exists(run)) {
        run_note(t, "%s has no checkpoint yet: starting from the beginning", run);
        resume = false;
    }
    if (!folder_make(run, err) || !run_lock(&t->lock, run, err)) return false;
    t->locked = true;
    if (resume && !resume_run(t, err)) return false;
    if (!resume) {
        char stats[PATH_BYTES];
        if (!path_join(stats, run, "stats.jsonl", err) || !file_write(stats, "", 0, err))
            return false;
    }
    return run_write_config(t, err);
}
