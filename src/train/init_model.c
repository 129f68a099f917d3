/* Starting a run from the weights of a trained model. */
#include <math.h>
#include <string.h>

#include "methods/method.h"
#include "model/model.h"
#include "train/train_internal.h"

/* Whether two processes have the same levels, compared at quantiles of the training distribution. */
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

static void first_difference(void *context, const ConfigDifference *d)
{
    ConfigDifference *first = context;
    if (!first->name[0]) *first = *d;
}

/* Compares all levels of the model, also where it keeps only some. Where they are equal, the
 * numbers that describe them may differ. */
static bool check_method(Trainer *t, Model *m, Err *err)
{
    ModelConfig all = m->config;
    Process process;
    all.kept = NULL;
    if (!model_process(&all, &process, err)) return false;
    Config there = t->resolved, here = t->resolved;
    here.method.type = method_of(here.method.type)->trains_as;
    here.method.noise = t->plan.model.noise;
    there.method.type = method_of(all.method)->trains_as;
    there.method.noise = same_noise(&t->process, &process) ? here.method.noise : all.noise;
    there.method.noise.prediction = all.noise.prediction;
    process_free(&process);
    ConfigDifference d = {.name = ""};
    if (!config_diff(&there, &here, first_difference, &d, err)) return false;
    return !d.name[0] || err_set(err, ERR_USAGE,
                                 "train.init: %s was trained with another method: %s is %s there, "
                                 "but %s here; it must be the model's own",
                                 m->folder, d.name, d.values.a, d.values.b);
}

static bool check_network(const Trainer *t, const Model *m, Err *err)
{
    NetworkDifference d;
    if (!model_networks_differ(&m->config, &t->plan.model, &d, err)) return false;
    return !d.values.found ||
           err_set(err, ERR_USAGE,
                   "train.init: %s is another network: %s is %s there, but %s here; "
                   "the network must be the model's own",
                   m->folder, d.option, d.values.a, d.values.b);
}

bool init_weights(Trainer *t, Err *err)
{
    Model m;
    if (!t->config.train.init[0]) return true;
    bool points = t->data.toy != TOY_NONE;
    int height = points ? 0 : t->plan.image.H, width = points ? 0 : t->plan.image.W;
    if (!model_open(&m, t->config.train.init, height, width, err)) return false;
    bool ok = check_network(t, &m, err) && check_method(t, &m, err);
    if (ok) {
        size_t floats = t->table.block_floats;
        CHECK(m.table.block_floats == floats); /* the same network has the same block */
        memcpy(t->optimizer.weights, m.weights, floats * sizeof(float));
        memcpy(t->optimizer.ema, m.weights, floats * sizeof(float));
        run_note(t, "starting from the weights of %s", m.folder);
    }
    model_close(&m);
    return ok;
}
