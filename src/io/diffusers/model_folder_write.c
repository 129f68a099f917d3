/* Writing a model folder as diffusers does: keys sorted, two spaces, a final newline, numbers as
 * Python prints them. All files are written in a folder beside it, which then takes its place
 * (folder_swap.h); model_index.json comes last, so a folder that has one is complete. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/folder_swap.h"
#include "base/fsio.h"
#include "base/mem.h"
#include "io/diffusers/model_keys.h"
#include "io/diffusers/scheduler_class.h"
#include "io/safetensors.h"

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

typedef struct {
    const ParamTable *table;
    const float *block;
} WeightSource;

static void fill(const void *context, size_t tensor, float *out)
{
    const WeightSource *source = context;
    const ParamInfo *info = &source->table->info[tensor];
    params_to_disk(info, out, source->block + info->offset);
}

/* A model that has gone wrong must not replace one that is right. */
static bool check_finite(const char *path, const ParamTable *table, const float *block, Err *err)
{
    for (int i = 0; i < table->count; i++) {
        const ParamInfo *info = &table->info[i];
        for (size_t k = 0; k < info->count; k++)
            if (!isfinite(block[info->offset + k]))
                return err_set(err, ERR_DIVERGED,
                               "%s: not written, for \"%s\" holds values that are not finite", path,
                               info->name);
    }
    return true;
}

static bool write_weights(const char *folder, const ParamTable *table, const float *block, Err *err)
{
    static const char *const metadata[] = {"format", "pt"};
    char path[PATH_BYTES];
    if (!path_join(path, folder, WEIGHTS, err)) return false;
    size_t count = (size_t)table->count;
    TensorOut *tensors = mem_alloc(count, sizeof *tensors);
    if (!tensors) return err_set(err, ERR_MEMORY, "%s: not enough memory to write it", path);
    WeightSource source = {table, block};
    for (size_t i = 0; i < count; i++) {
        const ParamInfo *info = &table->info[i];
        tensors[i] = (TensorOut){
            .name = info->name, .rank = info->rank, .fill = fill, .context = &source, .index = i};
        for (int d = 0; d < info->rank; d++) tensors[i].shape[d] = info->shape[d];
    }
    bool ok = safetensors_write(path, tensors, count, metadata, 1, err);
    mem_free(tensors);
    return ok;
}

static bool write_files(const char *path, const ModelConfig *m, const ParamTable *table,
                        const float *block, Err *err)
{
    char network[PATH_BYTES], scheduler[PATH_BYTES];
    return path_join(network, path, m->network == NETWORK_MLP ? "mlp" : "unet", err) &&
           path_join(scheduler, path, "scheduler", err) && folder_make(network, err) &&
           folder_make(scheduler, err) && write_weights(network, table, block, err) &&
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

bool model_folder_write(const char *path, const ModelConfig *m, const ParamTable *table,
                        const float *block, Err *err)
{
    FolderSwap swap;
    Err reason = {0};
    if (!check_finite(path, table, block, err)) return false;
    bool open = folder_swap_open(&swap, path, own_files, &reason);
    if (open && write_files(swap.next, m, table, block, &reason))
        return folder_swap_commit(&swap, err);
    if (open) folder_swap_abort(&swap);
    return err_set(err, reason.kind, "%.300s: is not saved, and what was there stays: %.600s", path,
                   reason.text);
}
