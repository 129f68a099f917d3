/* mlp/config.json: the keys of MlpConfig. The class is our own, and every file of it is complete. */
#include <stddef.h>
#include <string.h>

#include "io/config_fields.h"
#include "io/diffusers/model_keys.h"

#define AT(member) offsetof(ModelConfig, member)

static const ModelKey keys[] = {
    {"dims", &value_int, AT(mlp.dims), 2, 2, .flags = KEY_NEEDED},
    {"layers", &value_int, AT(mlp.layers), 1, MLP_MAX_LAYERS, .flags = KEY_NEEDED},
    {"time_embedding_type", &value_time, .at = AT(mlp.time_kind), .flags = KEY_NEEDED},
    {"toy", &value_word, AT(toy), .words = toy_words,
     .instead = "two-modes, ring, swiss-roll, checkerboard and none"},
    {"width", &value_int, AT(mlp.width), 1, MLP_MAX_WIDTH, .flags = KEY_NEEDED},
    {0}};

bool mlp_config_read(const ModelReader *r, const Json *object)
{
    const Json *class_name = json_get(object, "_class_name");
    mlp_config_defaults(&r->m->mlp);
    if (!class_name) return err_set(r->err, ERR_FORMAT, "%s: has no key _class_name", r->path);
    const char *name = model_read_text(r, "_class_name", class_name);
    if (!name) return false;
    if (strcmp(name, MLP_CLASS) != 0)
        return model_unsupported(r, "_class_name", class_name, MLP_CLASS);
    return model_keys_read(r, object, keys, NULL);
}

void mlp_config_put(JsonWriter *w, const ModelConfig *m)
{
    json_put_string(w, "_class_name", MLP_CLASS);
    model_keys_put(w, keys, m);
}
