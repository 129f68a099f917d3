/* Starting a run from the weights of a trained model. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "model/method.h"
#include "model/model.h"
#include "train/train_internal.h"

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

static bool differs(const Model *m, const char *key, const char *there, const char *here, Err *err)
{
    return err_set(err, ERR_USAGE,
                   "train.init: %s was trained with another method: method.%s is %s there, but %s "
                   "here; it must be the model's own",
                   m->folder, key, there, here);
}

static bool same_word(const Model *m, const char *key, int there, int here, Err *err)
{
    return there == here || differs(m, key, config_word("method", key, there),
                                    config_word("method", key, here), err);
}

/* EDDPM and DDPM train the same networks. */
static MethodKind base_method(MethodKind method)
{
    return method == METHOD_EDDPM ? METHOD_DDPM : method;
}

/* Names what makes the noise another. */
static bool other_noise(const Trainer *t, const Model *m, Err *err)
{
    const ModelConfig *a = &m->config, *b = &t->plan.model;
    const struct {
        const char *key;
        double there, here;
    } numbers[] = {{"steps", a->T, b->T},
                   {"beta_start", a->beta_start, b->beta_start},
                   {"beta_end", a->beta_end, b->beta_end},
                   {"sigma_min", a->sigma_min, b->sigma_min},
                   {"sigma_max", a->sigma_max, b->sigma_max},
                   {"beta_min", a->beta_min, b->beta_min},
                   {"beta_max", a->beta_max, b->beta_max}};
    if (!same_word(m, "type", (int)base_method(a->method), (int)base_method(b->method), err) ||
        !same_word(m, "sde", (int)a->sde, (int)b->sde, err) ||
        !same_word(m, "schedule", (int)a->schedule, (int)b->schedule, err))
        return false;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        char there[32], here[32];
        snprintf(there, sizeof there, "%.10g", numbers[i].there);
        snprintf(here, sizeof here, "%.10g", numbers[i].here);
        if (numbers[i].there != numbers[i].here)
            return differs(m, numbers[i].key, there, here, err);
    }
    return err_set(err, ERR_USAGE,
                   "train.init: %s was trained with other betas; the keys under \"method\" must be "
                   "the model's own",
                   m->folder);
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
    if (!same) return other_noise(t, m, err);
    return same_word(m, "prediction", (int)m->config.prediction, (int)t->plan.model.prediction,
                     err);
}

static bool check_network(const Trainer *t, const Model *m, Err *err)
{
    NetworkDifference d;
    if (!model_networks_differ(&m->config, &t->plan.model, &d, err)) return false;
    return !d.found || err_set(err, ERR_USAGE,
                               "train.init: %s is another network: %s is %s there, but %s here; "
                               "the network must be the model's own",
                               m->folder, d.option, d.a, d.b);
}

static bool copy_weights(Trainer *t, const Model *m, Err *err)
{
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
    bool ok = check_network(t, &m, err) && check_method(t, &m, err) && copy_weights(t, &m, err);
    if (ok) run_note(t, "starting from the weights of %s", m.folder);
    model_close(&m);
    return ok;
}
