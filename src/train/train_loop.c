/* The loop of a run: updates, saves, previews, and how it ends. */
#include <diffc.h>
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/machine.h"
#include "base/parallel.h"
#include "base/world.h"
#include "math/vec.h"
#include "train/train_internal.h"

typedef struct {
    double started;  /* clock when `seconds` was state.seconds at start */
    double base;     /* training time before this process */
    double busy;     /* seconds in updates since the last report */
    uint64_t images; /* images since the last report */
    double startup;  /* from the program's start to the first update; NAN once it is reported */
} LoopClock;

/* What this process runs on, in its first line. */
static void put_machine(const Trainer *t, JsonWriter *w)
{
    char cpu[128];
    machine_cpu_name("", cpu, sizeof cpu);
    json_put_string(w, "version", DIFFC_VERSION);
    json_put_string(w, "level", vec_describe());
    json_put_int(w, "threads", parallel_threads());
    if (t->processes > 1) json_put_int(w, "processes", t->processes);
    if (cpu[0]) json_put_string(w, "cpu", cpu);
}

static void log_step(Trainer *t, const TrainStatus *s, double startup)
{
    JsonWriter w = run_line(t, "step");
    json_put_uint(&w, "images", s->images);
    json_put_number(&w, "loss", s->loss);
    json_put_number(&w, "grad_norm", s->grad_norm);
    json_put_number(&w, "lr", s->lr);
    json_put_number(&w, "images_per_s", s->images_per_s);
    json_put_number(&w, "seconds", s->seconds);
    masks_put_summary(t, &w);
    if (isfinite(startup)) {
        json_put_number(&w, "startup_seconds", startup);
        put_machine(t, &w);
    }
    run_log(t, &w);
}

static void report(Trainer *t, LoopClock *clock, double norm, double lr)
{
    const Config *c = &t->config;
    TrainStatus s = {.step = t->state.step,
                     .total_steps = c->train.steps,
                     .images = t->state.samples,
                     .loss = t->state.loss_sum / (double)t->state.loss_count,
                     .grad_norm = norm,
                     .lr = lr,
                     .images_per_s = clock->busy > 0 ? (double)clock->images / clock->busy : 0,
                     .seconds = t->state.seconds,
                     .seconds_left = (double)NAN};
    double done = progress_of(t);
    double here = clock_seconds() - clock->started;
    double share = t->state.seconds > 0 ? done * here / t->state.seconds : 0;
    if (share > 0) s.seconds_left = done < 1 ? (1 - done) * here / share : 0;
    bool regular = s.step % c->train.log_every == 0 || s.step == 1;
    s.logged = regular || finished(t);
    if (t->callbacks.status) t->callbacks.status(t->callbacks.context, &s);
    if (!s.logged) return;
    log_step(t, &s, clock->startup);
    clock->startup = (double)NAN;
    /* The line at the end of a run must not change those of a run that is made longer later. */
    if (!regular) return;
    t->state.loss_sum = 0;
    t->state.loss_count = 0;
    clock->busy = 0;
    clock->images = 0;
}

/* An update of a run: timed and reported. */
static bool run_update(Trainer *t, LoopClock *clock, Err *err)
{
    TrainUpdate u;
    double start = clock_seconds();
    if (!trainer_update(t, &u, err)) return false;
    clock->busy += clock_seconds() - start;
    clock->images += u.images;
    t->state.seconds = clock->base + clock_seconds() - clock->started;
    report(t, clock, u.grad_norm, u.lr);
    masks_log_curve(t);
    processes_agree(t);
    return true;
}

/* ---- saves ---- */

static bool at_step(const Trainer *t, int64_t step)
{
    return step == t->state.step;
}

/* Logs a failed save, so that it leaves a trace even when stderr is lost. */
static void log_failed_save(Trainer *t, const char *reason)
{
    JsonWriter w = run_line(t, "save_failed");
    json_put_string(&w, "part", at_step(t, t->saved.checkpoint) ? "model" : "checkpoint");
    json_put_string(&w, "reason", reason);
    run_log(t, &w);
}

/* Process 0 saves what this step has not saved yet. The checkpoint comes first, because a missing model can
 * be made from it, but not the reverse. */
static bool save(Trainer *t, Err *err)
{
    bool ok = masks_refresh_model(t, err);
    if (t->rank > 0) return ok;
    if (ok && !at_step(t, t->saved.checkpoint)) {
        ok = run_save_checkpoint(t, err);
        if (ok) t->saved.checkpoint = t->state.step;
    }
    if (ok && !at_step(t, t->saved.model)) {
        ok = run_save_model(t, err);
        if (ok) t->saved.model = t->state.step;
    }
    if (!ok) log_failed_save(t, err->text);
    return ok;
}

/* A failure is only reported, and what follows it. */
static void try_to_save(Trainer *t, const char *then)
{
    Err why = {0};
    if (save(t, &why)) return;
    const char *what = at_step(t, t->saved.checkpoint) ? "the model is not saved" : "not saved";
    run_problem(t, "step %lld: %s: %s; %s", (long long)t->state.step, what, why.text, then);
}

static void save_or_go_on(Trainer *t)
{
    try_to_save(t, "training goes on");
}

/* An image could not be read, as all processes know: what was learnt until then is saved, for which the others wait. Not
 * with learnt masks, which the update has drawn already. */
static bool stop_unread(Trainer *t, const Err *err)
{
    bool unread = err->kind == ERR_IO || err->kind == ERR_FORMAT;
    if (!unread || t->learner) return false;
    optimizer_gather(&t->optimizer);
    try_to_save(t, "training stops");
    if (t->processes > 1) world_all(true);
    return false;
}

/* What is lost when the last save has failed. */
static bool unsaved(const Trainer *t, const Err *why, Err *err)
{
    const char *opening = t->stopping ? "interrupted, and " : "";
    long long step = (long long)t->state.step, last = (long long)t->saved.checkpoint;
    if (last == step)
        return err_set(err, why->kind,
                       "%sthe model of step %lld is not saved, but its checkpoint is: %s", opening,
                       step, why->text);
    if (last >= 0)
        return err_set(err, why->kind,
                       "%sstep %lld is not saved: %s; the newest checkpoint is that of step %lld, "
                       "and the updates after it are lost",
                       opening, step, why->text, last);
    return err_set(err, why->kind,
                   "%sstep %lld is not saved: %s; there is no checkpoint, and all updates are lost",
                   opening, step, why->text);
}

/* ---- validation and pictures ---- */

/* Only validation is shared out; where the distance failed it is left out, by all. */
static bool preview(Trainer *t, Err *err)
{
    bool measured = evaluate_distance(t, err);
    if (!world_all(measured)) return measured;
    return evaluate_validation(t, err) && evaluate_samples(t, err);
}

/* In the middle of a run failed pictures are only reported; an interruption ends the loop by
 * itself. */
static bool preview_or_go_on(Trainer *t, Err *err)
{
    Err why = {0};
    if (preview(t, &why) || why.kind == ERR_INTERRUPTED) return true;
    if (why.kind == ERR_DIVERGED) return err_set(err, why.kind, "%s", why.text);
    run_problem(t, "step %lld: no sample grid: %s; training goes on", (long long)t->state.step,
                why.text);
    return true;
}

/* Likewise; before the step's checkpoint, so that every checkpoint's log has the distances up to it. */
static bool measure_or_go_on(Trainer *t, Err *err)
{
    Err why = {0};
    if (evaluate_distance(t, &why) || why.kind == ERR_INTERRUPTED) return true;
    if (why.kind == ERR_DIVERGED) return err_set(err, why.kind, "%s", why.text);
    run_problem(t, "step %lld: the samples' distance is not measured: %s; training goes on",
                (long long)t->state.step, why.text);
    return true;
}

/* ---- the run ---- */

static bool complete(const Trainer *t)
{
    bool validated = t->config.train.validate == 0 || t->data.validation_count == 0 ||
                     at_step(t, t->saved.validation);
    return at_step(t, t->saved.checkpoint) && at_step(t, t->saved.model) && validated &&
           at_step(t, t->saved.samples) && !distance_missing(t);
}

/* Whether a checkpoint is due now, before the end. */
static bool checkpoint_due(const Trainer *t)
{
    int64_t every = t->config.train.checkpoint_every;
    return every > 0 && t->state.step > 0 && t->state.step % every == 0 && !finished(t);
}

static bool finish(Trainer *t, Err *err)
{
    Err why = {0};
    optimizer_gather(&t->optimizer);
    if (!world_agree(save(t, &why) || unsaved(t, &why, err), err)) return false;
    if (t->stopping && !finished(t))
        return err_set(err, ERR_INTERRUPTED, "interrupted at step %lld; everything is saved",
                       (long long)t->state.step);
    if (world_agree(preview(t, err), err)) return true;
    if (err->kind != ERR_INTERRUPTED) return false;
    return err_set(err, ERR_INTERRUPTED,
                   "interrupted at step %lld, the last; everything is saved but its validation or "
                   "its pictures",
                   (long long)t->state.step);
}

/* Process 0 opens the folder, and all know what is saved there. */
static bool open_run(Trainer *t, const char *run, Err *err)
{
    bool ok = t->rank > 0 || (t->resumed ? run_continue(t, err) : run_begin(t, run, err));
    if (t->processes == 1) return ok;
    if (!world_agree(ok, err)) return false;
    world_broadcast(&t->saved, sizeof t->saved);
    return true;
}

/* What follows some updates: process 0 measures and saves, and validation is shared. Meanwhile time passes. */
static bool follow_up(Trainer *t, Err *err)
{
    bool due = checkpoint_due(t);
    if (!due && !distance_missing(t)) return true;
    optimizer_gather(&t->optimizer);
    if (!measure_or_go_on(t, err)) return false;
    if (due) save_or_go_on(t);
    if (due && !preview_or_go_on(t, err)) return false;
    processes_agree(t);
    return true;
}

bool trainer_run(Trainer *t, const char *run, Err *err)
{
    t->saved = (SavedSteps){-1, -1, -1, -1, -1};
    if ((!t->resumed && !world_agree(init_weights(t, err), err)) || !processes_compare(t, err) ||
        !open_run(t, run, err))
        return false;
    if (t->resumed && finished(t) && complete(t)) {
        run_note(t,
                 "%s is finished, and other settings are not taken; a larger train.steps or "
                 "train.minutes continues it",
                 t->run);
        return true;
    }
    if (t->resumed && finished(t))
        run_note(t, "%s has all its updates, but not all that follows them: completing it", t->run);
    LoopClock clock = {
        .started = clock_seconds(), .base = t->state.seconds, .startup = clock_since_begin()};
    /* A killed process may have left out what follows its checkpoint. */
    if (t->resumed && !finished(t)) {
        save_or_go_on(t);
        if (!measure_or_go_on(t, err)) return false;
    }
    if (t->resumed && checkpoint_due(t) && !preview_or_go_on(t, err)) return false;
    processes_agree(t);
    while (!finished(t) && !t->stopping) {
        if (!run_update(t, &clock, err)) return stop_unread(t, err);
        if (!follow_up(t, err)) return false;
    }
    return finish(t, err);
}
