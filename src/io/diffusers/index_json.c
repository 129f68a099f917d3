/* model_index.json: which classes a folder's components are of. */
#include "base/fsio.h"
#include "io/diffusers/model_files.h"
#include "io/diffusers/score_scheduler.h"

/* Of model_index.json, in the key below: raised and written when an older release would misread a folder
 * (unknown keys of diffusers' classes are only warnings). Format 1 is not written. */
enum { MODEL_FORMAT = 1 };
#define FORMAT_KEY "_diffc_format"

/* ["diffusers", CLASS], or ["diffc", CLASS] for our own; an absent entry is fine, for a bare
 * component folder has none. `classes`: NULL for any. */
static bool check_component(const ModelReader *r, const Json *index, const char *name,
                            const char *const *classes, const char *instead)
{
    const Json *entry = json_get(index, name);
    if (!entry) return true;
    const Json *library = json_type(entry) == JSON_ARRAY ? json_first(entry) : NULL;
    const Json *class_value = library ? json_next(library) : NULL;
    if (!class_value || json_next(class_value) || json_type(class_value) != JSON_STRING)
        return model_wrong(r, name, entry, "an array of two strings, the library and the class");
    if (classes && !model_word_in(json_string(class_value), classes))
        return model_unsupported(r, name, class_value, instead);
    return true;
}

bool model_index_check(const char *root, ModelConfig *m, Err *err)
{
    static const char *const pipelines[] = {"DDPMPipeline",
                                            "DDIMPipeline",
                                            "PNDMPipeline",
                                            EDDPM_PIPELINE,
                                            MLP_PIPELINE,
                                            CDM_PIPELINE,
                                            NULL};
    static const char *const unets[] = {"UNet2DModel", CDM_UNET, NULL};
    static const char *const mlps[] = {MLP_CLASS, NULL};
    char path[PATH_BYTES];
    if (!path_join(path, root, MODEL_INDEX, err)) return false;
    if (!path_exists(path)) return true;
    Json *index = json_load(path, MODEL_JSON_BYTES, true, err);
    if (!index) return false;
    ModelReader r = {path, m, err};
    bool ok = json_type(index) == JSON_OBJECT;
    if (!ok) model_wrong(&r, "the file", index, "one object");
    ok = ok && json_check_format(json_get(index, FORMAT_KEY), MODEL_FORMAT, path, err);
    const Json *pipeline = ok ? json_get(index, "_class_name") : NULL;
    if (pipeline) {
        const char *text = model_read_text(&r, "_class_name", pipeline);
        ok = text &&
             (model_word_in(text, pipelines) || score_pipeline_known(text) ||
              model_unsupported(&r, "_class_name", pipeline,
                                "DDPM, DDIM, PNDM, ScoreSde, DiffcEddpm and DiffcCdm pipelines"));
    }
    ok = ok && check_component(&r, index, "unet", unets, "UNet2DModel and " CDM_UNET) &&
         check_component(&r, index, "mlp", mlps, MLP_CLASS) &&
         check_component(&r, index, "scheduler", NULL, NULL);
    json_free(index);
    return ok;
}

static void put_pair(JsonWriter *w, const char *key, const char *first, const char *second)
{
    json_begin_array(w, key);
    json_put_string(w, NULL, first);
    json_put_string(w, NULL, second);
    json_end_array(w);
}

void model_index_put(JsonWriter *w, const ModelConfig *m)
{
    const ScoreClass *score = score_class_of(m);
    bool mlp = m->network == NETWORK_MLP, cdm = m->method == METHOD_CDM,
         own = model_has_own_noise(m);
    const char *pipeline = score ? score->pipeline
                           : cdm ? CDM_PIPELINE
                           : own ? EDDPM_PIPELINE
                                 : "DDPMPipeline";
    const char *library = cdm || own ? "diffc" : "diffusers";
    json_put_string(w, "_class_name", mlp ? MLP_PIPELINE : pipeline);
    json_put_string(w, "_diffusers_version", DIFFUSERS_VERSION);
    if (mlp) put_pair(w, "mlp", "diffc", MLP_CLASS);
    put_pair(w, "scheduler", score ? score->library : library, scheduler_class(m));
    if (!mlp) put_pair(w, "unet", cdm ? "diffc" : "diffusers", cdm ? CDM_UNET : "UNet2DModel");
}
