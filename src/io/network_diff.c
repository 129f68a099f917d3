/* Where two networks differ, by the table of keys of their files, which hold every option of a network. */
#include <stdio.h>
#include <string.h>

#include "io/config_fields.h"
#include "io/diffusers/model_keys.h"

/* null, where it only stands for a number. */
static ModelConfig resolved(const ModelConfig *m)
{
    ModelConfig r = *m;
    UNetConfig *c = &r.unet;
    if (c->noise_classes > 0 && c->classifier_channels == 0)
        c->classifier_channels = 2 * c->block_channels[0];
    if (c->time_dim == 0) c->time_dim = 4 * c->block_channels[0];
    return r;
}

/* The key of the configuration that sets this key of the file. */
static void name_option(char *out, size_t size, const char *key)
{
    static const char *const sections[] = {"model", "method", "data"};
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++) {
        const Field *f = config_alias(sections[i], key);
        if (f && strcmp(f->key, key) == 0)
            snprintf(out, size, "%s.%s", f->section, f->key);
        else if (f)
            snprintf(out, size, "%s.%s (%s in a model folder)", f->section, f->key, key);
        if (f) return;
    }
    snprintf(out, size, "%s, which no key of the configuration sets,", key);
}

static void put_value(JsonWriter *w, const ModelKey *k, const ModelConfig *m)
{
    ModelKey value = *k;
    value.name = NULL;
    json_write_init(w, 0);
    model_key_put(w, &value, m);
}

static bool kinds_differ(NetworkDifference *out, const char *option, const char *a, const char *b)
{
    out->values.found = true;
    snprintf(out->option, sizeof out->option, "%s", option);
    snprintf(out->values.a, sizeof out->values.a, "\"%s\"", a);
    snprintf(out->values.b, sizeof out->values.b, "\"%s\"", b);
    return true;
}

bool model_networks_differ(const ModelConfig *a, const ModelConfig *b, NetworkDifference *out,
                           Err *err)
{
    ModelConfig x = resolved(a), y = resolved(b);
    bool ok = true;
    memset(out, 0, sizeof *out);
    if (a->network != b->network)
        return kinds_differ(out, "model.type", network_words[a->network],
                            network_words[b->network]);
    if ((a->unet.noise_classes > 0) != (b->unet.noise_classes > 0))
        return kinds_differ(out, "method.type", method_words[a->method], method_words[b->method]);
    for (const ModelKey *k = network_keys(a); k->name && ok && !out->values.found; k++) {
        JsonWriter wa, wb;
        if (k->flags & KEY_TUNING) continue;
        put_value(&wa, k, &x);
        put_value(&wb, k, &y);
        ok = json_differ(&wa, &wb, &out->values, err);
        if (out->values.found) name_option(out->option, sizeof out->option, k->name);
    }
    return ok;
}
