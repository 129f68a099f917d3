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
#define WEIGHTS          "diffusion_pytorch_model.safetensors"

/* What is not of diffusers: the class of classifiers of noise levels in unet/config.json, the class in
 * mlp/config.json, and the pipeline of a folder with one. Those of schedulers: scheduler_class.c. */
#define CDM_UNET     "DiffcCdmUNet"
#define MLP_CLASS    "DiffcMlp"
#define MLP_PIPELINE "DiffcPointPipeline"

/* A folder of diffusers' betas or a list of a thousand shards stays well below. */
enum { MODEL_JSON_BYTES = 16 << 20 };

/* One configuration file being read. */
enum { MISSING_ROOM = 160 };
typedef struct {
    const char *path;
    const Json *object; /* what it holds */
    ModelConfig *m;
    Err *err;
    /* The scheduler's: what sampling does without is added here, and the spacings of its class. */
    char *missing;
    const SpacingKind *spacing;
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

/* Reading the files; their keys are tables in model_keys.h. */
bool model_index_read(const ModelReader *r);
bool unet_config_read(const ModelReader *r);
bool mlp_config_read(const ModelReader *r);
bool scheduler_config_read(const ModelReader *r);

#endif
