/* Resuming a run. Its newest checkpoint says what the run is; a configuration may change only keys
 * that are not part of that. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "math/vec.h"
#include "train/train_internal.h"

enum { KEYS_NAMED = 3 };

/* Collects the differences between the run's configuration and the given one. A key counts when its
 * values differ both as given and as resolved: "auto" equals what it stands for, and a value that
 * only follows from another key is not named beside it. */
typedef struct {
    Trainer *t; /* NULL: the identity is collected, else the other keys are said */
    bool given[CONFIG_MAX_KEYS];
    int keys;
    char text[800];
} Differences;

static void note_given(void *context, const ConfigDifference *d)
{
    ((Differences *)context)->given[d->row] = true;
}

static void use_difference(void *context, const ConfigDifference *d)
{
    Differences *all = context;
    if (!all->given[d->row]) return;
    if (all->t) {
        if (!d->identity) run_note(all->t, "%s: %s -> %s", d->name, d->values.a, d->values.b);
        return;
    }
    if (!d->identity || all->keys++ >= KEYS_NAMED) return;
    text_append(all->text, sizeof all->text, "%s%s is %.110s in the run, but %.110s here",
                *all->text ? "; " : "", d->name, d->values.a, d->values.b);
}

static bool collect(Differences *out, const RunRecord *record, const Config *now, Err *err)
{
    Config before = record->config, after = *now;
    if (!config_diff(&before, &after, note_given, out, err)) return false;
    run_record_resolve(record, &before);
    run_record_resolve(record, &after);
    return config_diff(&before, &after, use_difference, out, err);
}

static bool check_identity(const Trainer *t, Err *err)
{
    Differences identity = {0};
    char more[48] = "";
    if (!collect(&identity, &t->before, &t->config, err)) return false;
    if (identity.keys == 0) return true;
    if (identity.keys > KEYS_NAMED)
        snprintf(more, sizeof more, "; %d more key%s", identity.keys - KEYS_NAMED,
                 identity.keys == KEYS_NAMED + 1 ? " differs" : "s differ");
    return err_set(err, ERR_USAGE,
                   "%.300s: --resume cannot change these keys: %.500s%s; keep the run's own values "
                   "(they are taken when CONFIG.json is left out) or start a new run",
                   t->run, identity.text, more);
}

/* For runs without a record: the configuration in RUN/config.json, and no data. */
static bool record_of_folder(Trainer *t, Err *err)
{
    char path[PATH_BYTES];
    config_defaults(&t->before.config);
    if (!path_join(path, t->run, "config.json", err)) return false;
    if (!path_exists(path))
        return err_set(err, ERR_FORMAT,
                       "%s: an older release saved its checkpoints without the configuration, and "
                       "there is no config.json beside them, so what was trained is not known",
                       t->run);
    return config_load(&t->before.config, path, err);
}

static bool open_checkpoint(Trainer *t, Err *err)
{
    char notes[1024] = "";
    if (!checkpoint_open_newest(&t->checkpoint, t->run, notes, sizeof notes, err)) return false;
    if (notes[0]) run_problem(t, "%s", notes);
    t->resumed = true;
    t->state = t->checkpoint.state;
    if (!t->checkpoint.record) return true;
    t->before = *t->checkpoint.record;
    t->known = &t->before;
    mem_free(t->checkpoint.record);
    t->checkpoint.record = NULL;
    return true;
}

/* A run has a model only where it has had a checkpoint. */
static bool checkpoints_are_gone(const char *run, Err *err)
{
    char model[PATH_BYTES], folder[PATH_BYTES];
    if (!path_join(model, run, "model", NULL) || !model_folder_current(model, folder)) return false;
    err_set(err, ERR_IO,
            "%.300s: has a model, but its checkpoints are gone, and training cannot go on without "
            "one; --init %.300s begins a new run from the model's weights",
            run, run);
    return true;
}

void take_places(Config *to, const Config *from)
{
    memcpy(to->data.path, from->data.path, sizeof to->data.path);
    memcpy(to->data.cache, from->data.cache, sizeof to->data.cache);
}

/* A run that has all its updates is not trained with other values. */
static bool keep_own_values(Trainer *t, Err *err)
{
    Config own;
    if (!t->resumed || !finished(t)) return true;
    if (!config_copy(&own, &t->before.config, err)) return false;
    take_places(&own, &t->config);
    own.train.steps = t->config.train.steps;
    own.train.minutes = t->config.train.minutes;
    config_free(&t->config);
    t->config = own;
    return true;
}

bool resume_open(Trainer *t, const char *run, Err *err)
{
    if (!trainer_check_run(run, true, err)) return false;
    snprintf(t->run, sizeof t->run, "%s", run);
    if (t->rank == 0 && !run_lock(&t->lock, run, err)) return false;
    t->locked = t->rank == 0;
    bool saved;
    if (!checkpoint_exists(run, &saved, err)) return false;
    if (saved ? !open_checkpoint(t, err) : checkpoints_are_gone(run, err)) return false;
    if (!t->known && !record_of_folder(t, err)) return false;
    if (saved && !t->known) t->before.config.train.seed = t->checkpoint.state.seed;
    if (!t->config.train.init[0])
        memcpy(t->config.train.init, t->before.config.train.init, sizeof t->config.train.init);
    return check_identity(t, err) && keep_own_values(t, err);
}

static double rate_at(const Config *c, int64_t step, double seconds)
{
    return learning_rate(&c->train.optimizer, step, config_progress(c, step, seconds));
}

/* Changing the length of a run changes its position in every schedule that depends on the length. */
static void say_jumps(Trainer *t, const Config *before)
{
    const Config *now = &t->config;
    int64_t step = t->state.step;
    double seconds = t->state.seconds;
    double was = config_progress(before, step, seconds), is = config_progress(now, step, seconds);
    if (finished(t)) return;
    if (rate_at(before, step, seconds) != rate_at(now, step, seconds)) {
        double last = step > 0 ? (double)(step - 1) / (double)step : 0;
        run_note(t, "the learning rate goes from %.3g at the last update to %.3g at the next",
                 rate_at(before, step > 0 ? step - 1 : 0, last * seconds),
                 rate_at(now, step, seconds));
    }
    if (t->method->learns_steps && was != is)
        run_note(
            t,
            "the share of the run that is done goes from %.3g to %.3g; the steps that are kept "
            "follow it",
            was, is);
}

/* The split of a seed depends on the number of images alone: what is held out in addition was trained on. */
static void say_held_out(Trainer *t, const Config *before)
{
    const Dataset *d = &t->data;
    size_t was = dataset_held_out(&before->data, d->count), is = d->validation_count;
    if (d->toy != TOY_NONE || t->state.step == 0 || is <= was) return;
    run_note(t,
             "note: of the %zu image%s that are held out now, %zu %s trained on before, so the "
             "validation loss looks better than it is",
             is, is == 1 ? "" : "s", is - was, is - was == 1 ? "was" : "were");
}

static void say_kernels(Trainer *t)
{
    if (strcmp(t->state.level, vec_describe()) == 0) return;
    run_note(t,
             "note: the run was saved with the kernels of %s and continues with those of %s; its "
             "last bits may differ",
             t->state.level, vec_describe());
}

/* Earlier versions trained VP and sub-VP with Fourier features on 999 t, and such a run continues
 * so. Its model folder says it; without a folder, checkpoints without a record are of such a
 * version. */
static bool keep_time_label(Trainer *t, Err *err)
{
    ModelConfig *m = &t->plan.model, saved;
    char model[PATH_BYTES], folder[PATH_BYTES];
    if (model_time_kind(m) != TIME_FOURIER_LINEAR) return true;
    if (!path_join(model, t->run, "model", err)) return false;
    bool old = !t->known;
    if (model_folder_current(model, folder)) {
        if (!model_folder_read_config(folder, &saved, err)) return false;
        old = model_time_kind(&saved) == TIME_FOURIER_LINEAR_999;
        model_config_free(&saved);
    }
    if (!old) return true;
    *(m->network == NETWORK_MLP ? &m->mlp.time_kind : &m->unet.time_kind) = TIME_FOURIER_LINEAR_999;
    t->train_network.time_scale = t->eval_network.time_scale = network_time_scale(m);
    run_note(t,
             "note: an earlier version began %s on the time label 999 t instead of t; it continues "
             "so, but a new run learns better",
             t->run);
    return true;
}

static bool restore(Trainer *t, Err *err)
{
    CheckpointBlocks blocks = state_blocks(t);
    if (!checkpoint_read(&t->checkpoint, &t->table, &blocks, err)) return false;
    t->optimizer.step = t->state.step;
    return masks_restore(t, err) && keep_time_label(t, err);
}

bool resume_state(Trainer *t, Err *err)
{
    Differences changes = {.t = t};
    if (t->resumed && !restore(t, err)) return false;
    if (t->resumed)
        run_note(t, "resuming %s at step %lld", t->run, (long long)t->state.step);
    else
        run_note(t, "%s has no checkpoint yet: starting from the beginning", t->run);
    if (t->resumed && !t->known)
        run_note(t,
                 "note: an older release saved it without a record of its configuration and data; "
                 "they are taken to be those of its config.json");
    if (!finished(t) && !collect(&changes, &t->before, &t->config, err)) return false;
    if (t->resumed) {
        say_jumps(t, &t->before.config);
        say_held_out(t, &t->before.config);
        say_kernels(t);
    }
    t->known = NULL;
    checkpoint_close(&t->checkpoint);
    return true;
}
