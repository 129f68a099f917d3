/* What the files that read and write a model folder share. */
#ifndef DIFFC_IO_MODEL_FILES_H
#define DIFFC_IO_MODEL_FILES_H

#include "io/diffusers/model_folder.h"
#include "io/json.h"

/* The release whose files these are. */
#define DIFFUSERS_VERSION "0.31.0"

#define MODEL_INDEX      "model_index.json"
#define NETWORK_CONFIG   "config.json"
#define SCHEDULER_CONFIG "scheduler_config.json"
/* Kept steps whose noise is not that of the schedule at the same steps. */
#define EDDPM_SCHEDULER "DiffcEddpmScheduler"
#define EDDPM_PIPELINE  "DiffcEddpmPipeline"
#define WEIGHTS         "diffusion_pytorch_model.safetensors"

/* Classification diffusion: classes that diffusers does not have. */
#define CDM_PIPELINE  "DiffcCdmPipeline"
#define CDM_UNET      "DiffcCdmUNet"
#define CDM_SCHEDULER "DiffcCdmScheduler"

/* A folder of diffusers' betas or a list of a thousand shards stays well below. */
enum { MODEL_JSON_BYTES = 16 << 20 };

/* One configuration file being read. */
typedef struct {
    const char *path;
    ModelConfig *m;
    Err *err;
} ModelReader;

/* Path of a component's file: ROOT/NAME/FILE when ROOT/NAME is a folder, else ROOT/FILE. */
bool model_component_path(char *out, const char *root, const char *name, const char *file,
                          Err *err);

/* Adds a warning; when there is no room left the last one says so. */
void model_warn(ModelConfig *m, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ERR_FORMAT sentences: a value of the wrong kind, and one that diffc cannot run. */
bool model_wrong(const ModelReader *r, const char *key, const Json *v, const char *expected);
bool model_unsupported(const ModelReader *r, const char *key, const Json *v, const char *instead);

/* Checked values: an integer (1.0 is one too), any number, text. `open_low` and `open_high`
 * exclude the limits themselves. */
bool model_read_int(const ModelReader *r, const char *key, const Json *v, int low, int high,
                    int *out);
bool model_read_number(const ModelReader *r, const char *key, const Json *v, double low,
                       double high, bool open_low, bool open_high, double *out);
bool model_read_bool(const ModelReader *r, const char *key, const Json *v, bool *out);
/* The text of v, NULL (with *err set) when it is no string. */
const char *model_read_text(const ModelReader *r, const char *key, const Json *v);
/* "time_embedding_type": its word, and its kind. */
const char *model_time_word(TimeFeatureKind kind);
bool model_read_time(const ModelReader *r, const char *key, const Json *v, TimeFeatureKind *kind);
/* Whether `word` is one of a NULL-ended list. */
bool model_word_in(const char *word, const char *const *list);

/* What is not of diffusers: the class in mlp/config.json, and the pipeline of a folder with one. */
#define MLP_CLASS    "DiffcMlp"
#define MLP_PIPELINE "DiffcPointPipeline"

/* The files, as JSON objects. */
void model_index_put(JsonWriter *w, const ModelConfig *m);
/* It may be absent; what it says must be something that diffc can run. */
bool model_index_check(const char *root, ModelConfig *m, Err *err);
bool unet_config_read(const ModelReader *r, const Json *object);
void unet_config_put(JsonWriter *w, const ModelConfig *m);
bool mlp_config_read(const ModelReader *r, const Json *object);
void mlp_config_put(JsonWriter *w, const ModelConfig *m);
/* The members of unet/config.json or mlp/config.json: everything that the network is. */
void network_config_put(JsonWriter *w, const ModelConfig *m);
bool scheduler_config_read(const ModelReader *r, const Json *object);
void scheduler_config_put(JsonWriter *w, const ModelConfig *m);
/* The class that a model's scheduler is written as. */
const char *scheduler_class(const ModelConfig *m);

/* What the file of a scheduler of diffusers says of sampling (scheduler_sampling.c). */
bool scheduler_sampling_read(const ModelReader *r, const Json *object, const char *scheduler);

/* Kept steps that are no steps of the schedule: diffusers must not load them as such. */
bool model_has_own_noise(const ModelConfig *m);

#endif
