/* Starting a run from the weights of a trained model. */
#include <math.h>
#include <string.h>

#include "diffc/method.h"
#include "diffc/model.h"
#include "train_internal.h"

static bool same_noise(const Process *a, const Process *b)
{
    static const double ROUNDING = 1e-6;
    if (a->kind != b->kind || a->T != b->T) return false;
    for (int t = 0; a->kind == PROCESS_DDPM && t < a->T; t++) {
        double x = a->schedule.alpha_bar[t], y = b->schedule.alpha_bar[t];
        if (fabs(x - y) > ROUNDING * x) return false;
    }
    return true;
}

/* The model's own levels are compared, all of them where it keeps only some. */
static bool check_method(Trainer *t, Model *m, Err *err)
{
    ModelConfig all = m->config;
    Process there;
    all.kept = NULL;
    if (!method_process(&all, &there, err)) return false;
    bool same = same_noise(&t->process, &there);
    int T = there.T;
    process_free(&there);
    if (!same)
        return err_set(err, ERR_USAGE,
                       "train.init: %s was trained with another noise schedule (%d steps there, %d "
                       "here); method.steps and the schedule must be its own",
                       m->folder, T, t->process.T);
    if (m->config.prediction != t->plan.model.prediction)
        return err_set(err, ERR_USAGE,
                       "train.init: %s predicts something else than method.prediction says; set it "
                       "to what the model was trained for",
                       m->folder);
    return true;
}

/* What the shapes of the weights do not tell. */
static bool same_options(const UNetConfig *a, const UNetConfig *b)
{
    return a->groups == b->groups && a->head_dim == b->head_dim && a->time_kind == b->time_kind &&
           a->flip_sin_to_cos == b->flip_sin_to_cos && a->freq_shift == b->freq_shift &&
           a->downsample_padding == b->downsample_padding && a->scale_shift == b->scale_shift &&
           a->eps == b->eps;
}

static bool copy_weights(Trainer *t, const Model *m, Err *err)
{
    if (m->table.count != t->table.count || !same_options(&m->config.unet, &t->plan.model.unet))
        return err_set(err, ERR_USAGE,
                       "train.init: %s is another network than the one that the keys under "
                       "\"model\" describe; they must be its own",
                       m->folder);
    for (int i = 0; i < t->table.count; i++) {
        const ParamInfo *here = &t->table.info[i];
        int k = params_find(&m->table, here->name);
        const ParamInfo *there = k >= 0 ? &m->table.info[k] : NULL;
        if (!there || there->rank != here->rank ||
            memcmp(there->shape, here->shape, sizeof here->shape) != 0)
            return err_set(err, ERR_USAGE,
                           "train.init: %s is another network: \"%s\" %s; the keys under \"model\" "
                           "must be its own",
                           m->folder, here->name,
                           there ? "has another shape there" : "is not there");
        memcpy(t->optimizer.weights + here->offset, m->weights + there->offset,
               here->count * sizeof(float));
    }
    memcpy(t->optimizer.ema, t->optimizer.weights, t->table.block_floats * sizeof(float));
    return true;
}

bool init_weights(Trainer *t, Err *err)
{
    Model m;
    if (!t->config.train.init[0]) return true;
    if (!model_open(&m, t->config.train.init, t->plan.image.H, t->plan.image.W, err)) return false;
    bool ok = check_method(t, &m, err) && copy_weights(t, &m, err);
    if (ok) run_note(t, "starting from the weights of %s", m.folder);
    model_close(&m);
    return ok;
}
