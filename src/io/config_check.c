/* Rules between the fields of a configuration, and the choices it leaves to the program. */
#include <stdio.h>
#include <string.h>

#include "io/config.h"
#include "io/config_fields.h"

void config_resolve(Config *c)
{
    NetworkConfig *n = &c->model;
    unsigned read = config_method(c)->reads;
    int groups = n->channels / 4 < 32 ? n->channels / 4 : 32;
    while (groups > 1 && n->channels % groups != 0) groups--;
    if (n->type == NETWORK_AUTO) n->type = c->data.toy == TOY_NONE ? NETWORK_UNET : NETWORK_MLP;
    if (c->method.noise.prediction == PREDICT_AUTO)
        c->method.noise.prediction = config_method(c)->prediction;
    if (n->time == TIME_CHOICE_AUTO)
        n->time = c->method.noise.prediction == PREDICT_V ? TIME_CHOICE_POSITIONAL
                                                          : config_method(c)->time;
    if (n->unet.fourier_scale <= 0) n->unet.fourier_scale = n->type == NETWORK_MLP ? 0.25 : 16;
    if (n->unet.groups == 0) n->unet.groups = groups > 0 ? groups : 1;
    if (read & KEYS_CLASSES && n->unet.classifier_channels == 0)
        n->unet.classifier_channels = 2 * n->channels;
    if (read & KEYS_MASKS && c->method.mask.alphas == ALPHAS_AUTO)
        c->method.mask.alphas = mask_recipes[c->method.mask.recipe].alphas;
}

static bool check_method_reads(const Config *c, const Field *f, Err *err)
{
    char readers[64], method[64];
    if (!f->group || f->group & config_method(c)->reads) return true;
    method_readers(f->group, readers, sizeof readers);
    method_name(c->method.type, c->method.noise.sde, method, sizeof method);
    return err_set(err, ERR_USAGE,
                   "%s.%s is given, but the method is %s, and the key belongs to %s; leave it out, "
                   "or choose the method that was meant",
                   f->section, f->key, method, readers);
}

static const Field *neighbour(const Field *f, const char *key)
{
    return config_find(f->section, strlen(f->section), key);
}

bool config_condition_holds(const Config *c, const Field *f)
{
    if (!f->condition) return true;
    const Field *on = neighbour(f, f->condition->key);
    return f->condition->values >> (int)config_number(c, on) & 1;
}

static bool check_condition(const Config *c, const Field *f, Err *err)
{
    char own[40], other[40];
    if (config_condition_holds(c, f)) return true;
    const Field *on = neighbour(f, f->condition->key);
    config_show(c, f, own, sizeof own);
    config_show(c, on, other, sizeof other);
    return err_set(err, ERR_USAGE, "%s.%s is %s, but %s.%s is %s: %s; leave it out, or set %s.%s",
                   f->section, f->key, own, on->section, on->key, other, f->condition->reason,
                   on->section, on->key);
}

static bool check_limit(const Config *c, const Field *f, Err *err)
{
    if (!f->limit) return true;
    const Field *limit = neighbour(f, f->limit);
    double x = config_number(c, f), most = config_number(c, limit);
    if (config_is_automatic(c, limit) || x < most || (x == most && !f->strict)) return true;
    return err_set(err, ERR_USAGE, "%s.%s (%g) is %s %s.%s (%g)%s", f->section, f->key, x,
                   f->strict ? "not below" : "above", limit->section, limit->key, most, f->why);
}

double config_progress(const Config *c, int64_t step, double seconds)
{
    double by_steps = 0, by_time = 0;
    if (c->train.steps > 0) by_steps = (double)step / (double)c->train.steps;
    if (c->train.minutes > 0) by_time = seconds / (60 * c->train.minutes);
    return by_steps > by_time ? by_steps : by_time;
}

/* Setting a key that is not read is an error: it would have no effect. */
static bool check_keys(const Config *c, Err *err)
{
    Config standard, resolved = *c;
    config_defaults(&standard);
    config_resolve(&resolved);
    for (const Field *f = config_fields; f->key; f++) {
        bool given =
            memcmp((const char *)c + f->offset, (const char *)&standard + f->offset, f->size) != 0;
        if (given && !(check_method_reads(c, f, err) && check_condition(&resolved, f, err)))
            return false;
    }
    for (const Field *f = config_fields; f->key; f++)
        if (!check_limit(c, f, err)) return false;
    return true;
}

static bool check_data(const Config *c, Err *err)
{
    if (c->data.toy != TOY_NONE && c->data.path[0])
        return err_set(err, ERR_USAGE,
                       "data.toy and data.path (%.300s) are both given; a toy is made by formula, "
                       "so leave one of them out",
                       c->data.path);
    if (!c->data.cache[0])
        return err_set(err, ERR_USAGE,
                       "data.cache is empty; it must be auto, off or the folder where decoded "
                       "images are kept");
    if (c->data.limit > 0 && c->data.validation >= c->data.limit)
        return err_set(err, ERR_USAGE,
                       "data.validation holds out %d image%s, which leaves none of data.limit (%d) "
                       "to train on; set data.validation below %d",
                       c->data.validation, c->data.validation == 1 ? "" : "s", c->data.limit,
                       c->data.limit);
    return true;
}

static bool check_network(const Config *c, Err *err)
{
    if (c->data.toy != TOY_NONE && c->model.type == NETWORK_UNET)
        return err_set(err, ERR_USAGE,
                       "model.type is \"unet\", but data.toy gives points, which need \"mlp\"; "
                       "\"auto\" chooses it");
    if (c->data.toy == TOY_NONE && c->model.type == NETWORK_MLP)
        return err_set(err, ERR_USAGE,
                       "model.type is \"mlp\", which is for the points of a data.toy; images need "
                       "\"unet\"");
    return true;
}

static bool check_distance(const Config *c, Err *err)
{
    if (c->train.eval_every == 0 || c->data.toy == TOY_NONE) return true;
    return err_set(err, ERR_USAGE,
                   "train.eval_every is %lld, but data.toy gives points: the distance is one of "
                   "images; leave it out",
                   (long long)c->train.eval_every);
}

static bool check_guidance(const Config *c, Err *err)
{
    const SampleConfig *s = &c->sample;
    if (c->train.label_dropout > 0 && !c->model.class_conditional)
        return err_set(err, ERR_USAGE,
                       "train.label_dropout is %g, but model.class_conditional is false, so there "
                       "is no label to leave out; set model.class_conditional",
                       c->train.label_dropout);
    if (s->guidance != 1 && c->train.label_dropout == 0)
        return err_set(err, ERR_USAGE,
                       "sample.guidance is %g, but train.label_dropout is 0: guidance needs a "
                       "network that also learns from images without their class; set "
                       "train.label_dropout, such as 0.1",
                       s->guidance);
    return guidance_check(s, err);
}

bool config_check(const Config *c, Err *err)
{
    if (c->train.steps == 0 && c->train.minutes <= 0)
        return err_set(err, ERR_USAGE,
                       "train.steps and train.minutes are both 0, so training would never end; set "
                       "one of them");
    const MethodCheck method = {.method = &c->method,
                                .model = &c->model,
                                .sample = &c->sample,
                                .points = c->data.toy != TOY_NONE,
                                .images = c->train.batch * c->train.accumulate};
    return check_keys(c, err) && check_data(c, err) && check_network(c, err) &&
           check_distance(c, err) && check_guidance(c, err) &&
           (!config_method(c)->check || config_method(c)->check(&method, err));
}
