/* model_index.json: which classes a folder's components are of. */
#include <string.h>

#include "io/diffusers/model_keys.h"
#include "io/diffusers/scheduler_class.h"

/* Raised and written when an older release would misread a folder (unknown keys of diffusers' classes are
 * only warnings). Format 1 is not written. */
enum { MODEL_FORMAT = 1 };

static bool read_format(const ModelReader *r, const ModelKey *k, const Json *v)
{
    (void)k;
    return json_check_format(v, MODEL_FORMAT, r->path, r->err);
}

static bool read_pipeline(const ModelReader *r, const ModelKey *k, const Json *v)
{
    const char *text = model_read_text(r, k->name, v);
    return text && (strcmp(text, MLP_PIPELINE) == 0 || scheduler_pipeline_known(text) ||
                    model_unsupported(r, k->name, v, k->instead));
}

static void put_pipeline(JsonWriter *w, const ModelKey *k, const ModelConfig *m)
{
    json_put_string(w, k->name,
                    m->network == NETWORK_MLP ? MLP_PIPELINE : scheduler_class_of(m)->pipeline);
}

/* ["diffusers", CLASS], or ["diffc", CLASS] for our own. */
static bool read_component(const ModelReader *r, const ModelKey *k, const Json *v)
{
    const Json *library = json_type(v) == JSON_ARRAY ? json_first(v) : NULL;
    const Json *class_value = library ? json_next(library) : NULL;
    if (!class_value || json_next(class_value) || json_type(class_value) != JSON_STRING)
        return model_wrong(r, k->name, v, "an array of two strings, the library and the class");
    return !k->words || model_word_in(json_string(class_value), k->words) ||
           model_unsupported(r, k->name, class_value, k->instead);
}

static void put_pair(JsonWriter *w, const char *key, const char *library, const char *class_name)
{
    json_begin_array(w, key);
    json_put_string(w, NULL, library);
    json_put_string(w, NULL, class_name);
    json_end_array(w);
}

static void put_network(JsonWriter *w, const ModelKey *k, const ModelConfig *m)
{
    bool own = m->network == NETWORK_MLP || m->unet.noise_classes > 0;
    put_pair(w, k->name, own ? "diffc" : "diffusers", k->words[m->unet.noise_classes > 0]);
}

static void put_scheduler(JsonWriter *w, const ModelKey *k, const ModelConfig *m)
{
    const SchedulerClass *c = scheduler_class_of(m);
    put_pair(w, k->name, c->library, c->name);
}

static bool is_mlp(const ModelConfig *m)
{
    return m->network == NETWORK_MLP;
}

static bool is_unet(const ModelConfig *m)
{
    return m->network == NETWORK_UNET;
}

static const char *const mlps[] = {MLP_CLASS, NULL}, *const unets[] = {"UNet2DModel", CDM_UNET,
                                                                       NULL};

/* An absent key is fine: a bare component folder has no index. The format is checked before all else. */
const ModelKey index_keys[] = {
    {"_diffc_format", .read = read_format},
    {"_class_name", .read = read_pipeline, .put = put_pipeline,
     .instead = "DDPM, DDIM, PNDM, ScoreSde, DiffcEddpm and DiffcCdm pipelines"},
    {"_diffusers_version", .put = model_put_version},
    {"mlp", .read = read_component, .put = put_network, .stands = is_mlp, .words = mlps,
     .instead = MLP_CLASS},
    {"scheduler", .read = read_component, .put = put_scheduler},
    {"unet", .read = read_component, .put = put_network, .stands = is_unet, .words = unets,
     .instead = "UNet2DModel and " CDM_UNET},
    {0}};

bool model_index_read(const ModelReader *r)
{
    return model_keys_read(r, index_keys, 0);
}
