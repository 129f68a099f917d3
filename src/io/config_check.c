/* Rules between the fields of a configuration, and the choices it leaves to the program. */
#include <stdio.h>
#include <string.h>

#include "io/config.h"
#include "io/config_fields.h"

NetworkKind config_network(const Config *c)
{
    if (c->model.type != NETWORK_AUTO) return c->model.type;
    return c->data.toy == TOY_NONE ? NETWORK_UNET : NETWORK_MLP;
}

TimeChoice config_time(const Config *c)
{
    if (c->model.time != TIME_CHOICE_AUTO) return c->model.time;
    return config_method(c)->time;
}

double config_fourier_scale(const Config *c)
{
    if (c->model.unet.fourier_scale > 0) return c->model.unet.fourier_scale;
    return config_network(c) == NETWORK_MLP ? 0.25 : 16;
}

int config_groups(const Config *c)
{
    if (c->model.unet.groups > 0) return c->model.unet.groups;
    int groups = c->model.channels / 4 < 32 ? c->model.channels / 4 : 32;
    while (groups > 1 && c->model.channels % groups != 0) groups--;
    return groups > 0 ? groups : 1;
}

void config_resolve(Config *c)
{
    double scale = config_fourier_scale(c);
    TimeChoice time = config_time(c);
    c->model.type = config_network(c);
    c->model.time = time;
    c->model.unet.fourier_scale = scale;
    c->model.unet.groups = config_groups(c);
    if (config_method(c)->reads & KEYS_CLASSES && c->model.unet.classifier_channels == 0)
        c->model.unet.classifier_channels = 2 * c->model.channels;
    if (config_method(c)->reads & KEYS_MASKS && c->method.mask.alphas == ALPHAS_AUTO)
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

static bool check_condition(const Config *c, const Field *f, Err *err)
{
    char own[40], other[40];
    if (!f->condition) return true;
    const Field *on = config_find(f->section, strlen(f->section), f->condition->key);
    const char *at = (const char *)c + on->offset;
    int value = on->type == FIELD_BOOL ? *at : *(const int *)(const void *)at;
    if (f->condition->values >> value & 1) return true;
    config_show(c, f, own, sizeof own);
    config_show(c, on, other, sizeof other);
    return err_set(err, ERR_USAGE, "%s.%s is %s, but %s.%s is %s: %s; leave it out, or set %s.%s",
                   f->section, f->key, own, on->section, on->key, other, f->condition->reason,
                   on->section, on->key);
}

/* Setting a key that is not read is an error: it would have no effect. */
static bool check_given(const Config *c, Err *err)
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
    return true;
}

static bool check_data(const Config *c, Err *err)
{
    if (c->data.toy != TOY_NONE && c->data.path[0])
        return err_set(err, ERR_USAGE,
                       "data.toy and data.path (%.300s) are both given; a toy is made by formula, "
                       "so leave one of them out",
                       c->data.path);
    if (c->data.limit > 0 && c->data.validation >= c->data.limit)
        return err_set(err, ERR_USAGE,
                       "data.validation holds out %d images, which leaves none of data.limit (%d) "
                       "to train on; set data.validation below %d",
                       c->data.validation, c->data.limit, c->data.limit);
    return true;
}

static bool check_network(const Config *c, Err *err)
{
    bool mlp = config_network(c) == NETWORK_MLP;
    if (c->data.toy != TOY_NONE && !mlp)
        return err_set(err, ERR_USAGE,
                       "model.type is \"unet\", but data.toy gives points, which need \"mlp\"; "
                       "\"auto\" chooses it");
    if (c->data.toy == TOY_NONE && mlp)
        return err_set(err, ERR_USAGE,
                       "model.type is \"mlp\", which is for the points of a data.toy; images need "
                       "\"unet\"");
    return true;
}

bool config_check(const Config *c, Err *err)
{
    if (c->train.steps == 0 && c->train.minutes <= 0)
        return err_set(err, ERR_USAGE,
                       "train.steps and train.minutes are both 0, so training would never end; set "
                       "one of them");
    if (c->train.micro_batch > c->train.batch)
        return err_set(err, ERR_USAGE, "train.micro_batch is %d, more than train.batch (%d)",
                       c->train.micro_batch, c->train.batch);
    const MethodCheck method = {.method = &c->method,
                                .model = &c->model,
                                .sample = &c->sample,
                                .points = c->data.toy != TOY_NONE,
                                .images = c->train.batch * c->train.accumulate};
    return check_given(c, err) && check_data(c, err) && check_network(c, err) &&
           config_method(c)->check(&method, err);
}
