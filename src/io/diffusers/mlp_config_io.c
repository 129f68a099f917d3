/* mlp/config.json: the keys of MlpConfig. Nothing has a default here: the class is our own, and every
 * file of it is complete. */
#include <stddef.h>
#include <string.h>

#include "base/text.h"
#include "io/config_fields.h"
#include "io/diffusers/model_files.h"

/* The word's index in a NULL-ended list. */
static bool read_choice(const ModelReader *r, const char *key, const Json *v,
                        const char *const *words, const char *instead, int *out)
{
    const char *text = model_read_text(r, key, v);
    if (!text) return false;
    for (int i = 0; words[i]; i++) {
        if (strcmp(words[i], text) != 0) continue;
        *out = i;
        return true;
    }
    return model_unsupported(r, key, v, instead);
}

static const Json *required(const ModelReader *r, const Json *object, const char *key)
{
    const Json *v = json_get(object, key);
    if (!v) err_set(r->err, ERR_FORMAT, "%s: has no key %s", r->path, key);
    return v;
}

static void warn_unknown(const ModelReader *r, const Json *object)
{
    static const char *const known[] = {"dims", "layers", "time_embedding_type",
                                        "toy",  "width",  NULL};
    for (const Json *v = json_first(object); v; v = json_next(v)) {
        char shown[80];
        if (json_key(v)[0] == '_' || model_word_in(json_key(v), known)) continue;
        text_escape(shown, sizeof shown, json_key(v));
        model_warn(r->m, "%.120s: the key %s is not known and is ignored", r->path, shown);
    }
}

bool mlp_config_read(const ModelReader *r, const Json *object)
{
    MlpConfig *c = &r->m->mlp;
    mlp_config_defaults(c);
    int toy = TOY_NONE, unused;
    static const char *const classes[] = {MLP_CLASS, NULL};
    const Json *class_name = required(r, object, "_class_name"), *dims, *layers, *kind, *width;
    if (!class_name || !(dims = required(r, object, "dims")) ||
        !(layers = required(r, object, "layers")) ||
        !(kind = required(r, object, "time_embedding_type")) ||
        !(width = required(r, object, "width")))
        return false;
    const Json *learnt = json_get(object, "toy");
    if (!read_choice(r, "_class_name", class_name, classes, MLP_CLASS, &unused) ||
        !model_read_int(r, "dims", dims, 2, 2, &c->dims) ||
        !model_read_int(r, "layers", layers, 1, MLP_MAX_LAYERS, &c->layers) ||
        !model_read_time(r, "time_embedding_type", kind, &c->time_kind) ||
        !model_read_int(r, "width", width, 1, MLP_MAX_WIDTH, &c->width) ||
        (learnt && !read_choice(r, "toy", learnt, config_toys,
                                "two-modes, ring, swiss-roll, checkerboard and none", &toy)))
        return false;
    r->m->toy = (ToyKind)toy;
    warn_unknown(r, object);
    return true;
}

void mlp_config_put(JsonWriter *w, const ModelConfig *m)
{
    json_put_string(w, "_class_name", MLP_CLASS);
    json_put_int(w, "dims", m->mlp.dims);
    json_put_int(w, "layers", m->mlp.layers);
    json_put_string(w, "time_embedding_type", model_time_word(m->mlp.time_kind));
    json_put_string(w, "toy", config_toys[m->toy]);
    json_put_int(w, "width", m->mlp.width);
}
