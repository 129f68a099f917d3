/* Writing a model folder as diffusers does: keys sorted, two spaces, a final newline, numbers as
 * Python prints them. All files are written in a folder beside it, which then takes its place
 * (folder_swap.h); model_index.json comes last, so a folder that has one is complete. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/folder_swap.h"
#include "base/fsio.h"
#include "base/mem.h"
#include "io/diffusers/model_files.h"
#include "io/diffusers/score_scheduler.h"
#include "io/safetensors.h"

/* The release whose files these are. */
#define DIFFUSERS_VERSION "0.31.0"

static void put_int_or_null(JsonWriter *w, const char *key, int value)
{
    if (value)
        json_put_int(w, key, value);
    else
        json_put_null(w, key);
}

static void put_pair(JsonWriter *w, const char *key, const char *first, const char *second)
{
    json_begin_array(w, key);
    json_put_string(w, NULL, first);
    json_put_string(w, NULL, second);
    json_end_array(w);
}

static void put_block_types(JsonWriter *w, const char *key, const bool *attention, int levels,
                            const char *plain, const char *attending)
{
    json_begin_array(w, key);
    for (int i = 0; i < levels; i++) json_put_string(w, NULL, attention[i] ? attending : plain);
    json_end_array(w);
}

static void put_sample_size(JsonWriter *w, const UNetConfig *c)
{
    if (c->sample_height == c->sample_width) {
        put_int_or_null(w, "sample_size", c->sample_height);
        return;
    }
    json_begin_array(w, "sample_size");
    json_put_int(w, NULL, c->sample_height);
    json_put_int(w, NULL, c->sample_width);
    json_end_array(w);
}

/* In the order of the keys. Those that older readers do not know stand only when they matter. */
static void put_unet(JsonWriter *w, const ModelConfig *m)
{
    const UNetConfig *c = &m->unet;
    bool timed = c->noise_classes == 0; /* a classifier of noise levels has no time layers */
    json_put_string(w, "_class_name", timed ? "UNet2DModel" : CDM_UNET);
    json_put_string(w, "_diffusers_version", DIFFUSERS_VERSION);
    json_put_string(w, "act_fn", "silu");
    json_put_bool(w, "add_attention", c->mid_attention);
    put_int_or_null(w, "attention_head_dim", c->head_dim);
    if (c->attn_groups) json_put_int(w, "attn_norm_num_groups", c->attn_groups);
    json_begin_array(w, "block_out_channels");
    for (int i = 0; i < c->levels; i++) json_put_int(w, NULL, c->block_channels[i]);
    json_end_array(w);
    json_put_bool(w, "center_input_sample", c->center_input);
    json_put_null(w, "class_embed_type");
    if (!timed) put_int_or_null(w, "classifier_channels", c->classifier_channels);
    put_block_types(w, "down_block_types", c->down_attention, c->levels, "DownBlock2D",
                    "AttnDownBlock2D");
    json_put_int(w, "downsample_padding", c->downsample_padding);
    json_put_string(w, "downsample_type", "conv");
    json_put_float(w, "dropout", c->dropout);
    if (timed) json_put_bool(w, "flip_sin_to_cos", c->flip_sin_to_cos);
    if (timed) json_put_number(w, "freq_shift", c->freq_shift);
    json_put_int(w, "in_channels", c->in_channels);
    if (c->input_fouriers) {
        json_begin_row(w, "input_fourier");
        for (int i = 0; i < c->input_fouriers; i++) json_put_int(w, NULL, c->input_fourier[i]);
        json_end_array(w);
    }
    json_put_int(w, "layers_per_block", c->layers_per_block);
    json_put_number(w, "mid_block_scale_factor", c->mid_scale);
    if (!c->mid_block) json_put_null(w, "mid_block_type");
    if (!timed) json_put_int(w, "noise_classes", c->noise_classes);
    json_put_float(w, "norm_eps", c->eps);
    put_int_or_null(w, "norm_num_groups", c->groups);
    put_int_or_null(w, "num_class_embeds", c->classes);
    json_put_int(w, "out_channels", c->out_channels);
    if (timed)
        json_put_string(w, "resnet_time_scale_shift", c->scale_shift ? "scale_shift" : "default");
    put_sample_size(w, c);
    if (c->time_dim) json_put_int(w, "time_embedding_dim", c->time_dim);
    if (timed) json_put_string(w, "time_embedding_type", model_time_word(c->time_kind));
    untrained_classes_put(w, m);
    put_block_types(w, "up_block_types", c->up_attention, c->levels, "UpBlock2D", "AttnUpBlock2D");
    json_put_string(w, "upsample_type", "conv");
}

void network_config_put(JsonWriter *w, const ModelConfig *m)
{
    if (m->network == NETWORK_MLP)
        mlp_config_put(w, m);
    else
        put_unet(w, m);
}

static const char *steps_scheduler(const ModelConfig *m)
{
    if (m->method == METHOD_CDM) return CDM_SCHEDULER;
    return model_has_own_noise(m) ? EDDPM_SCHEDULER : "DDPMScheduler";
}

/* timestep_spacing and steps_offset are left out on purpose: standing in the file they would
 * override the defaults of every other scheduler built from it. */
static void put_scheduler(JsonWriter *w, const ModelConfig *m)
{
    static const char *const schedules[] = {[SCHEDULE_LINEAR] = "linear",
                                            [SCHEDULE_SCALED_LINEAR] = "scaled_linear",
                                            [SCHEDULE_COSINE] = "squaredcos_cap_v2",
                                            [SCHEDULE_BETAS] = "linear",
                                            [SCHEDULE_LOGSNR] = "linear", /* kept as betas */
                                            [SCHEDULE_UNIF] = "unif"};
    static const char *const predictions[] = {"epsilon", "sample", "v_prediction"};
    static const char *const variance_types[] = {[VARIANCE_SMALL] = "fixed_small",
                                                 [VARIANCE_LARGE] = "fixed_large",
                                                 [VARIANCE_LEARNED] = "learned_range"};
    const ScoreClass *score = score_class_of(m);
    bool chain = score && score->chain;
    json_put_string(w, "_class_name", score ? score->name : steps_scheduler(m));
    if (score) score_scheduler_put_own(w, m);
    json_put_string(w, "_diffusers_version", DIFFUSERS_VERSION);
    if (score && !chain) {
        score_scheduler_put(w, m);
        return;
    }
    if (!chain) {
        json_put_float(w, "beta_end", m->noise.beta_end);
        json_put_string(w, "beta_schedule", schedules[m->noise.schedule]);
        json_put_float(w, "beta_start", m->noise.beta_start);
    }
    json_put_bool(w, "clip_sample", m->sample.clip);
    if (m->clip_range != 1) json_put_float(w, "clip_sample_range", m->clip_range);
    if (m->method == METHOD_CDM) json_put_bool(w, "dequantised", m->dequantised);
    kept_steps_put(w, m);
    int T = chain ? VP_CHAIN : m->noise.T;
    json_put_int(w, "num_train_timesteps", T);
    json_put_string(w, "prediction_type", predictions[m->noise.prediction]);
    /* Solvers of diffusers that have no clip_sample clip by thresholding. At a largest value of 1 it is
     * plain clipping to [-1, 1], also where both keys are read. */
    if (m->sample.clip && m->clip_range == 1 && m->method != METHOD_CDM) {
        json_put_float(w, "sample_max_value", 1);
        json_put_bool(w, "thresholding", true);
    }
    if (chain || m->noise.schedule == SCHEDULE_BETAS) {
        json_begin_array(w, "trained_betas");
        for (int i = 0; i < T; i++)
            json_put_float(w, NULL, chain ? vp_chain_beta(m, i) : m->noise.betas[i]);
        json_end_array(w);
    } else {
        json_put_null(w, "trained_betas");
    }
    json_put_string(w, "variance_type", variance_types[m->sample.variance]);
}

static void put_index(JsonWriter *w, const ModelConfig *m)
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
    put_pair(w, "scheduler", score ? score->library : library,
             score ? score->name : steps_scheduler(m));
    if (!mlp) put_pair(w, "unet", cdm ? "diffc" : "diffusers", cdm ? CDM_UNET : "UNet2DModel");
}

typedef enum { FILE_NETWORK, FILE_SCHEDULER, FILE_INDEX } JsonFile;

static bool write_json(const char *folder, const char *name, JsonFile which, const ModelConfig *m,
                       Err *err)
{
    char path[PATH_BYTES];
    if (!path_join(path, folder, name, err)) return false;
    JsonWriter w;
    json_write_init(&w, 2);
    json_begin_object(&w, NULL);
    if (which == FILE_NETWORK) network_config_put(&w, m);
    if (which == FILE_SCHEDULER) put_scheduler(&w, m);
    if (which == FILE_INDEX) put_index(&w, m);
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
           write_json(network, NETWORK_CONFIG, FILE_NETWORK, m, err) &&
           write_json(scheduler, SCHEDULER_CONFIG, FILE_SCHEDULER, m, err) &&
           write_json(path, MODEL_INDEX, FILE_INDEX, m, err);
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
