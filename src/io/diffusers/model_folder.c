#include "io/diffusers/model_folder.h"

#include <string.h>

#include "base/folder_swap.h"
#include "base/fsio.h"
#include "base/mem.h"
#include "io/config.h"
#include "io/diffusers/model_keys.h"
#include "io/diffusers/scheduler_class.h"
#include "io/safetensors.h"

void model_config_free(ModelConfig *m)
{
    mem_free(m->noise.betas);
    mem_free(m->kept);
    mem_free(m->class_names);
    memset(m, 0, sizeof *m);
}

bool model_folder_current(const char *path, char out[PATH_BYTES])
{
    return folder_current(path, MODEL_INDEX, out);
}

FolderStamp model_folder_stamp(const char *path)
{
    return folder_stamp(path, MODEL_INDEX);
}

TimeFeatureKind model_time_kind(const ModelConfig *m)
{
    return m->network == NETWORK_MLP ? m->mlp.time_kind : m->unet.time_kind;
}

/* ---- model_index.json: which classes a folder's components are of ---- */

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
static bool read_pair(const ModelReader *r, const ModelKey *k, const Json *v)
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
static const ModelKey index_keys[] = {
    {"_diffc_format", .read = read_format},
    {"_class_name", .read = read_pipeline, .put = put_pipeline,
     .instead = "DDPM, DDIM, PNDM, ScoreSde, DiffcEddpm and DiffcCdm pipelines"},
    {"_diffusers_version", .put = model_put_first, ONLY("\"" DIFFUSERS_VERSION "\"")},
    {"mlp", .read = read_pair, .put = put_network, .stands = is_mlp, .words = mlps,
     .instead = MLP_CLASS},
    {"scheduler", .read = read_pair, .put = put_scheduler},
    {"unet", .read = read_pair, .put = put_network, .stands = is_unet, .words = unets,
     .instead = "UNet2DModel and " CDM_UNET},
    {0}};

static bool index_read(const ModelReader *r)
{
    return model_keys_read(r, index_keys, 0);
}

/* ---- reading ---- */

/* Path of a component's file: ROOT/NAME/FILE when ROOT/NAME is a folder, else ROOT/FILE. */
static bool component_path(char *out, const char *root, const char *name, const char *file,
                           Err *err)
{
    char folder[PATH_BYTES];
    if (!path_join(folder, root, name, err)) return false;
    return path_join(out, path_is_folder(folder) ? folder : root, file, err);
}

typedef bool (*ReadFile)(const ModelReader *r);

static bool read_file(const char *path, ReadFile read, ModelConfig *m, Err *err)
{
    Json *object = json_load(path, MODEL_JSON_BYTES, true, err);
    if (!object) return false;
    ModelReader r = {.path = path, .object = object, .m = m, .err = err};
    bool ok = json_type(object) == JSON_OBJECT ? read(&r)
                                               : model_wrong(&r, "the file", object, "one object");
    json_free(object);
    return ok;
}

/* It may be absent. */
static bool read_index(const char *root, ModelConfig *m, Err *err)
{
    char path[PATH_BYTES];
    return path_join(path, root, MODEL_INDEX, err) &&
           (!path_exists(path) || read_file(path, index_read, m, err));
}

static bool read_component(const char *root, const char *name, const char *file, ReadFile read,
                           ModelConfig *m, Err *err)
{
    char path[PATH_BYTES];
    return component_path(path, root, name, file, err) && read_file(path, read, m, err);
}

/* A classifier of noise levels has one class for each step of its scheduler, and two more. */
static bool check_classifier(const char *path, const ModelConfig *m, Err *err)
{
    int classes = m->unet.noise_classes;
    if (((scheduler_class_of(m)->has & HAS_CDM) != 0) != (classes > 0))
        return err_set(err, ERR_FORMAT,
                       "%s: " CDM_UNET " goes with DiffcCdmScheduler only; this folder has one "
                       "without the other",
                       path);
    if (classes > 0 && classes != m->noise.T + 2)
        return err_set(err, ERR_FORMAT,
                       "%s: noise_classes is %d, but a classifier of num_train_timesteps %d has %d",
                       path, classes, m->noise.T, m->noise.T + 2);
    return true;
}

/* Twice the channels and a learned variance belong together. */
static bool check_variance(const char *path, const ModelConfig *m, Err *err)
{
    if (m->network == NETWORK_MLP && m->sample.variance == VARIANCE_LEARNED)
        return err_set(err, ERR_FORMAT,
                       "%s: the scheduler's variance_type is learned_range, but a model of points "
                       "gives no variance",
                       path);
    if (m->network == NETWORK_MLP) return true;
    bool twice = m->unet.out_channels > m->unet.in_channels;
    if (twice && m->sample.variance != VARIANCE_LEARNED)
        return err_set(
            err, ERR_FORMAT,
            "%s: out_channels (%d) is twice in_channels, which means a learned variance, "
            "but the scheduler's variance_type is not learned_range",
            path, m->unet.out_channels);
    if (!twice && m->sample.variance == VARIANCE_LEARNED)
        return err_set(err, ERR_FORMAT,
                       "%s: the scheduler's variance_type is learned_range, for which out_channels "
                       "must be %d, twice in_channels, not %d",
                       path, 2 * m->unet.in_channels, m->unet.out_channels);
    if (twice && m->noise.T < 2)
        return err_set(
            err, ERR_FORMAT,
            "%s: the scheduler's variance_type is learned_range, which needs two or more "
            "steps; num_train_timesteps is %d",
            path, m->noise.T);
    return true;
}

const char *const weights_words[] = {[WEIGHTS_AVERAGE] = "average", [WEIGHTS_LAST] = "last", NULL};

static bool holds_folder(const char *root, const char *name)
{
    char folder[PATH_BYTES];
    return path_join(folder, root, name, NULL) && path_is_folder(folder);
}

/* The mlp has a folder of its own, so that nobody else takes it for a U-Net. */
static void find_network(const char *root, WeightsKind weights, ModelConfig *m)
{
    m->network = holds_folder(root, "mlp") ? NETWORK_MLP : NETWORK_UNET;
    m->unet_ema =
        m->network == NETWORK_UNET && weights == WEIGHTS_AVERAGE && holds_folder(root, "unet_ema");
    if (m->unet_ema)
        model_note(m, "the weights are those of unet_ema, the moving average of those in unet");
}

const char *model_network_folder(const ModelConfig *m)
{
    return m->network == NETWORK_MLP ? "mlp" : m->unet_ema ? "unet_ema" : "unet";
}

/* A checkpoint of diffusers' example trainer has none; its output folder, which is the folder above, has one
 * as soon as it has saved its pipeline. */
static bool read_scheduler(const char *root, ModelConfig *m, Err *err)
{
    char own[PATH_BYTES], index[PATH_BYTES], above[PATH_BYTES];
    if (!component_path(own, root, "scheduler", SCHEDULER_CONFIG, err) ||
        !path_join(index, root, MODEL_INDEX, err) ||
        !path_join(above, root, "../scheduler/" SCHEDULER_CONFIG, err))
        return false;
    bool checkpoint = holds_folder(root, "unet_ema") && !path_exists(index) && !path_exists(own);
    if (!checkpoint) return read_file(own, scheduler_config_read, m, err);
    if (!path_exists(above))
        return err_set(err, ERR_IO,
                       "%s: has no scheduler, nor has the folder above, where diffusers' trainer "
                       "writes scheduler/" SCHEDULER_CONFIG " when it saves its pipeline",
                       root);
    model_note(m, "the scheduler is that of the folder above: %.180s", above);
    return read_file(above, scheduler_config_read, m, err);
}

bool model_folder_read_config(const char *path, ModelConfig *m, Err *err)
{
    return model_folder_read_config_of(path, WEIGHTS_AVERAGE, m, err);
}

bool model_folder_read_config_of(const char *path, WeightsKind weights, ModelConfig *m, Err *err)
{
    Config standard;
    config_defaults(&standard);
    *m = (ModelConfig){.noise = standard.method.noise, .sample = standard.sample};
    m->sample.clip = false;
    find_network(path, weights, m);
    bool ok =
        read_index(path, m, err) &&
        read_component(path, model_network_folder(m), NETWORK_CONFIG,
                       m->network == NETWORK_MLP ? mlp_config_read : unet_config_read, m, err) &&
        read_scheduler(path, m, err) && check_classifier(path, m, err) &&
        check_variance(path, m, err);
    m->noise.kind = method_settings(m->method, m->noise.sde)->process;
    if (!ok) model_config_free(m);
    return ok;
}

/* ---- writing ---- */

/* As diffusers does: keys sorted, two spaces, a final newline, numbers as Python prints them. */
static bool write_json(const char *folder, const char *name, const ModelKey *keys, unsigned groups,
                       const ModelConfig *m, Err *err)
{
    char path[PATH_BYTES];
    if (!path_join(path, folder, name, err)) return false;
    JsonWriter w;
    json_write_init(&w, 2);
    json_begin_object(&w, NULL);
    model_keys_put(&w, keys, groups, m);
    json_end_object(&w);
    const char *text = json_text(&w);
    FileWriter file;
    bool ok = text ? file_writer_open(&file, path, err) &&
                         file_writer_append(&file, text, strlen(text), err) &&
                         file_writer_append(&file, "\n", 1, err) && file_writer_commit(&file, err)
                   : err_set(err, ERR_MEMORY, "%s: not enough memory to write it", path);
    json_write_free(&w);
    return ok;
}

static bool write_weights(const char *folder, TensorOut *tensors, size_t count, Err *err)
{
    static const char *const metadata[] = {"format", "pt"};
    char path[PATH_BYTES];
    return path_join(path, folder, WEIGHTS, err) &&
           safetensors_write(path, tensors, count, metadata, 1, err);
}

static bool write_files(const char *path, const ModelConfig *m, TensorOut *tensors, size_t count,
                        Err *err)
{
    char network[PATH_BYTES], scheduler[PATH_BYTES];
    return path_join(network, path, m->network == NETWORK_MLP ? "mlp" : "unet", err) &&
           path_join(scheduler, path, "scheduler", err) && folder_make(network, err) &&
           folder_make(scheduler, err) && write_weights(network, tensors, count, err) &&
           write_json(network, NETWORK_CONFIG, network_keys(m), ~0u, m, err) &&
           write_json(scheduler, SCHEDULER_CONFIG, scheduler_keys, scheduler_class_of(m)->has, m,
                      err) &&
           write_json(path, MODEL_INDEX, index_keys, ~0u, m, err);
}

static const char *const own_files[] = {MODEL_INDEX,
                                        "unet/" NETWORK_CONFIG,
                                        "unet/" WEIGHTS,
                                        "mlp/" NETWORK_CONFIG,
                                        "mlp/" WEIGHTS,
                                        "scheduler/" SCHEDULER_CONFIG,
                                        NULL};

bool model_folder_recover(const char *path, Err *err)
{
    return folder_swap_recover(path, own_files, err);
}

/* All files are written in a folder beside it, which then takes its place (folder_swap.h); model_index.json
 * comes last, so a folder that has one is complete. */
static bool write_swapped(const char *path, const ModelConfig *m, TensorOut *tensors, size_t count,
                          Err *err)
{
    FolderSwap swap;
    Err reason = {0};
    bool open = folder_swap_open(&swap, path, own_files, &reason);
    if (open && write_files(swap.next, m, tensors, count, &reason))
        return folder_swap_commit(&swap, err);
    if (open) folder_swap_abort(&swap);
    return err_set(err, reason.kind, "%.300s: is not saved, and what was there stays: %.600s", path,
                   reason.text);
}

bool model_folder_write(const char *path, const ModelConfig *m, const ParamTable *table,
                        const float *block, Err *err)
{
    size_t count = (size_t)table->count;
    TensorOut *tensors = mem_alloc(count, sizeof *tensors);
    bool ok = tensors || err_set(err, ERR_MEMORY, "%s: not enough memory to write it", path);
    if (ok) tensors_of_block(tensors, table, block);
    ok = ok && tensors_check_finite(tensors, count, path, err) &&
         write_swapped(path, m, tensors, count, err);
    mem_free(tensors);
    return ok;
}
