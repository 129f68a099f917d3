/* Starting a run from the weights of a trained model. */
#include <math.h>
#include <string.h>

#include "diffc/method.h"
#include "diffc/model.h"
#include "train_internal.h"

/* The same levels all along, compared at quantiles of the training distribution. */
static bool same_noise(const Process *a, const Process *b)
{
    enum { PLACES = 100 };
    static const double ROUNDING = 1e-6;
    if (a->kind != b->kind || a->T != b->T) return false;
    for (int i = 0; i < PLACES; i++) {
        double u = (i + 0.5) / PLACES;
        double x = level_logsnr(process_quantile(a, u)), y = level_logsnr(process_quantile(b, u));
        if (!(fabs(x - y) <= ROUNDING)) return false;
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
    process_free(&there);
    if (!same)
        return err_set(err, ERR_USAGE,
                       "train.init: %s was trained with another noise schedule than the keys under "
                       "\"method\" describe; they must be its own",
                       m->folder);
    if (m->config.prediction != t->plan.model.prediction)
        return err_set(err, ERR_USAGE,
                       "train.init: %s predicts something else than method.prediction says; set it "
                       "to what the model was trained for",
                       m->folder);
    return true;
}

/* A classifier of noise levels is told no time, and its folder says nothing of the features. */
static bool same_features(const UNetConfig *a, const UNetConfig *b)
{
    if (a->noise_classes > 0 && b->noise_classes > 0) return true;
    return a->time_kind == b->time_kind && a->flip_sin_to_cos == b->flip_sin_to_cos &&
           a->freq_shift == b->freq_shift && a->scale_shift == b->scale_shift;
}

/* What the shapes of the weights do not tell; of the network that is not there both are zero. */
static bool same_options(const ModelConfig *m, const ModelConfig *n)
{
    const UNetConfig *a = &m->unet, *b = &n->unet;
    return m->network == n->network && m->mlp.time_kind == n->mlp.time_kind &&
           a->groups == b->groups && a->attn_groups == b->attn_groups &&
           a->head_dim == b->head_dim && same_features(a, b) &&
           a->center_input == b->center_input && a->downsample_padding == b->downsample_padding &&
           a->mid_scale == b->mid_scale && a->eps == b->eps;
}

static bool copy_weights(Trainer *t, const Model *m, Err *err)
{
    if (m->table.count != t->table.count || !same_options(&m->config, &t->plan.model))
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
    bool points = t->data.toy != TOY_NONE;
    int height = points ? 0 : t->plan.image.H, width = points ? 0 : t->plan.image.W;
    if (!model_open(&m, t->config.train.init, height, width, err)) return false;
    bool ok = check_method(t, &m, err) && copy_weights(t, &m, err);
    if (ok) run_note(t, "starting from the weights of %s", m.folder);
    model_close(&m);
    return ok;
}
