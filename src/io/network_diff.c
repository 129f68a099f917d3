/* Where two networks differ. They are compared as their files, which hold every option that a network
 * has; an option that is added to the files is compared without a word here. */
#include <stdio.h>
#include <string.h>

#include "io/config_fields.h"
#include "io/diffusers/model_files.h"
#include "io/json_diff.h"

/* null, where it only stands for a number. */
static void resolve(ModelConfig *m)
{
    UNetConfig *c = &m->unet;
    if (m->network != NETWORK_UNET) return;
    if (c->noise_classes > 0 && c->classifier_channels == 0)
        c->classifier_channels = 2 * c->block_channels[0];
    if (c->time_dim == 0) c->time_dim = 4 * c->block_channels[0];
}

static const char *file_text(JsonWriter *w, const ModelConfig *m)
{
    ModelConfig resolved = *m;
    resolve(&resolved);
    json_write_init(w, 0);
    json_begin_object(w, NULL);
    network_config_put(w, &resolved);
    json_end_object(w);
    return json_text(w);
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

bool model_networks_differ(const ModelConfig *a, const ModelConfig *b, NetworkDifference *out,
                           Err *err)
{
    static const char *const may_differ[] = {"_diffusers_version", "sample_size", "dropout", "toy",
                                             "untrained_classes",  NULL};
    memset(out, 0, sizeof *out);
    if (a->network != b->network) {
        out->found = true;
        snprintf(out->option, sizeof out->option, "model.type");
        snprintf(out->a, sizeof out->a, "\"%s\"", network_words[a->network]);
        snprintf(out->b, sizeof out->b, "\"%s\"", network_words[b->network]);
        return true;
    }
    if ((a->unet.noise_classes > 0) != (b->unet.noise_classes > 0)) {
        out->found = true;
        snprintf(out->option, sizeof out->option, "method.type");
        snprintf(out->a, sizeof out->a, "\"%s\"", method_words[a->method]);
        snprintf(out->b, sizeof out->b, "\"%s\"", method_words[b->method]);
        return true;
    }
    JsonWriter wa, wb;
    const char *x = file_text(&wa, a), *y = file_text(&wb, b);
    JsonDifference d = {0};
    bool ok = x && y ? json_differ(x, y, may_differ, &d, err)
                     : err_set(err, ERR_MEMORY, "not enough memory to compare two networks");
    json_write_free(&wa);
    json_write_free(&wb);
    if (!ok || !d.found) return ok;
    out->found = true;
    name_option(out->option, sizeof out->option, d.key);
    snprintf(out->a, sizeof out->a, "%s", d.a);
    snprintf(out->b, sizeof out->b, "%s", d.b);
    return true;
}
