/* mlp/config.json: the keys of MlpConfig. The class is our own, and every file of it is complete. */
#include "io/diffusers/model_keys.h"

#define AT(member) offsetof(ModelConfig, member)
enum { NEEDED = 1 };

const ModelKey mlp_keys[] = {
    {"_class_name", &value_fixed, .of = NEEDED, .words = (const char *const[]){MLP_CLASS, NULL},
     .instead = MLP_CLASS},
    {"dims", &value_int, AT(mlp.dims), 2, 2, .of = NEEDED},
    {"layers", &value_int, AT(mlp.layers), 1, MLP_MAX_LAYERS, .of = NEEDED},
    {"time_embedding_type", &value_time, .at = AT(mlp.time_kind), .of = NEEDED},
    {"toy", &value_word, AT(toy), .flags = KEY_TUNING, .words = toy_words,
     .instead = "two-modes, ring, swiss-roll, checkerboard and none"},
    {"width", &value_int, AT(mlp.width), 1, MLP_MAX_WIDTH, .of = NEEDED},
    {0}};

bool mlp_config_read(const ModelReader *r)
{
    mlp_config_defaults(&r->m->mlp);
    if (!model_keys_need(r, mlp_keys, NEEDED, MLP_CLASS) || !model_keys_read(r, mlp_keys, NEEDED))
        return false;
    model_keys_warn(r, mlp_keys, NEEDED);
    return true;
}
