#include "model/checkpoint_model.h"

#include <stdlib.h>
#include <string.h>

#include "base/fsio.h"
#include "base/mem.h"
#include "base/text.h"
#include "diffusion/mask_learner.h"
#include "io/checkpoint_files.h"
#include "io/diffusers/model_keys.h"
#include "model/model.h"

static bool is_named(const char *path, const char *name)
{
    const char *slash = strrchr(path, '/');
    return strcmp(slash ? slash + 1 : path, name) == 0;
}

bool checkpoint_path_run(const char *path, char run[PATH_BYTES])
{
    char folder[PATH_BYTES], *whole = NULL;
    if (!text_ends(path, ".safetensors") || path_is_folder(path)) return false;
    path_parent(folder, path);
    /* A name inside the folder, or a link from elsewhere. */
    if (!is_named(folder, CHECKPOINT_FOLDER) && (whole = realpath(path, NULL))) {
        path_parent(folder, whole);
        free(whole);
    }
    path_parent(run, folder);
    return is_named(folder, CHECKPOINT_FOLDER);
}

static bool not_there(const char *path, const char *run, Err *err)
{
    CheckpointList list;
    char newest[PATH_BYTES] = "";
    if (!checkpoint_list(run, &list, err)) return false;
    bool any = list.count > 0 && checkpoint_path(newest, run, list.steps[0], NULL);
    mem_free(list.steps);
    return err_set(err, ERR_IO,
                   "%.900s: there is no such checkpoint; %s%.900s (a run keeps train.keep of them)",
                   path, any ? "the newest of its run is " : "its run has none", newest);
}

/* Puts the list of the steps set in mask[T] into *m; all steps are no list. */
static bool keep_steps(ModelConfig *m, const unsigned char *mask, int T, Err *err)
{
    int *steps = mem_alloc((size_t)T, sizeof *steps), count = 0;
    if (!steps) return err_set(err, ERR_MEMORY, "no memory for %d kept steps", T);
    for (int step = 0; step < T; step++)
        if (mask[step]) steps[count++] = step;
    mem_free(m->kept);
    m->kept = steps;
    m->kept_count = count;
    if (count < T) return true;
    mem_free(steps);
    m->kept = NULL;
    m->kept_count = 0;
    return true;
}

/* The learner of the run in the state of the checkpoint, whose scores give the steps (train_masks.c saves them). */
static bool extract_steps(const Checkpoint *c, const Process *p, unsigned char *mask, Err *err)
{
    const RunRecord *r = c->record;
    Config resolved = r->config; /* shares its betas */
    MaskLearner learner;
    run_record_resolve(r, &resolved);
    bool ok = mask_learner_open(&learner, &resolved.method.mask, r->mean_square,
                                resolved.train.seed, &p->schedule, err);
    if (ok && (c->method_count != mask_learner_state_count(&learner) ||
               !mask_learner_restore(&learner, c->method)))
        ok = err_set(err, ERR_FORMAT, "%s: its scores of %d step%s must be finite and from 0 to 1",
                     c->path, p->T, p->T == 1 ? "" : "s");
    ok = ok && mask_learner_extract(&learner,
                                    config_progress(&r->config, c->state.step, c->state.seconds),
                                    mask, err);
    mask_learner_close(&learner);
    return ok;
}

static void first_of_identity(void *context, const ConfigDifference *d)
{
    ConfigDifference *first = context;
    if (d->identity && !first->name[0]) *first = *d;
}

/* Whether the checkpoint and RUN/config.json say the same of what the run is; those of older releases say
 * nothing. */
static bool check_run(const Checkpoint *c, const char *run, Err *err)
{
    char path[PATH_BYTES];
    ConfigDifference d = {.name = ""};
    Config now;
    if (!path_join(path, run, "config.json", err)) return false;
    if (!c->record || !path_exists(path)) return true;
    config_defaults(&now);
    bool ok = config_load(&now, path, err);
    Config then = c->record->config, resolved = now; /* share their betas */
    run_record_resolve(c->record, &then);
    run_record_resolve(c->record, &resolved);
    ok = ok && config_diff(&then, &resolved, first_of_identity, &d, err);
    if (ok && d.name[0])
        ok = err_set(err, ERR_FORMAT,
                     "%.900s: belongs to another run: %s is %s there, but %s in %.900s", c->path,
                     d.name, d.values.a, d.values.b, path);
    config_free(&now);
    return ok;
}

static bool take_steps(const Checkpoint *c, ModelConfig *m, Err *err)
{
    Process p;
    ModelConfig all = *m;
    all.kept = NULL;
    bool learnt = c->method_count > 0;
    if (learnt && !c->record)
        return err_set(err, ERR_FORMAT,
                       "%s: an older release saved it without the configuration of its run, so the "
                       "steps that it keeps are not known",
                       c->path);
    const MethodConfig *method = learnt ? &c->record->config.method : NULL;
    if (learnt ? method->type != METHOD_EDDPM || method->noise.T != m->noise.T : m->kept != NULL)
        return err_set(err, ERR_FORMAT, "%s: belongs to a run of another method or number of steps",
                       c->path);
    if (!learnt) return true;
    if (!model_process(&all, &p, err)) return false;
    unsigned char *mask = mem_alloc((size_t)p.T, 1);
    bool ok = mask || err_set(err, ERR_MEMORY, "no memory for the masks of %d steps", p.T);
    ok = ok && extract_steps(c, &p, mask, err) && keep_steps(m, mask, p.T, err);
    mem_free(mask);
    process_free(&p);
    return ok;
}

bool checkpoint_model_open(Checkpoint *c, const char *path, const char *run, ModelConfig *m,
                           Err *err)
{
    char notes[200] = "";
    memset(c, 0, sizeof *c);
    if (path && !path_exists(path)) return not_there(path, run, err);
    bool ok = path ? checkpoint_open(c, path, err)
                   : checkpoint_open_newest(c, run, notes, sizeof notes, err);
    if (notes[0]) model_warn(m, "%s", notes);
    return ok && check_run(c, run, err) && take_steps(c, m, err);
}
