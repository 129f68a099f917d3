/* The JSON files of a model folder: their names, and their keys as rows of tables. A row reads, checks and
 * writes its key. */
#ifndef DIFFC_MODEL_KEYS_H
#define DIFFC_MODEL_KEYS_H

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

typedef struct ModelKey ModelKey;

/* A kind of value, with both directions. */
typedef struct {
    bool (*read)(const ModelReader *r, const ModelKey *k, const Json *v);
    void (*put)(JsonWriter *w, const ModelKey *k, const ModelConfig *m);
} ModelValue;

enum {
    KEY_LATE = 1 << 0,      /* is read after the others, because it depends on one of them */
    KEY_OPEN_LOW = 1 << 1,  /* low itself is excluded */
    KEY_OPEN_HIGH = 1 << 2, /* high itself is excluded */
    KEY_OPTIONAL = 1 << 3,  /* false, 0, null or an empty list does not stand in the file */
    KEY_ANY_CASE = 1 << 4,  /* a word in upper and lower case */
    KEY_TUNING = 1 << 5,    /* networks that differ in it alone can take each other's weights */
};

/* The rows of a table stand in the order of their names, as files have them; the last has no name. A row
 * without value and functions is a key that is known and has no effect. */
struct ModelKey {
    const char *name;
    const ModelValue *value;
    size_t at; /* offset in ModelConfig */
    double low, high;
    unsigned flags;
    unsigned of; /* groups that the key belongs to, one of which the file must have; 0: all files */
    bool (*stands)(const ModelConfig *m); /* whether it is written; NULL: always */
    const char *old;                      /* its name in the first releases of diffusers */
    const char *const *words;             /* what it may be, NULL-ended */
    const char *instead;                  /* what diffc runs, for messages */
    size_t count_at;                      /* of a list: offset of its length */
    bool (*read)(const ModelReader *r, const ModelKey *k, const Json *v); /* instead of value's */
    void (*put)(JsonWriter *w, const ModelKey *k, const ModelConfig *m);  /* neither: not written */
};

/* The `words` of a row. */
#define ONLY(...)                                                                                  \
    .words = (const char *const[])                                                                 \
    {                                                                                              \
        __VA_ARGS__, NULL                                                                          \
    }

extern const ModelValue value_bool, value_int, value_float;
extern const ModelValue value_number; /* a float that is written without ".0"; both are doubles */
extern const ModelValue value_int_or_null; /* null is 0 */
extern const ModelValue value_ints;        /* 1 to 8 integers, from 0 where KEY_OPTIONAL */
extern const ModelValue value_word;        /* an enumeration, by `words` */
extern const ModelValue value_fixed; /* one of `words`, all of which mean the first; in no member */
extern const ModelValue value_null;  /* null alone; in no member */
extern const ModelValue value_time;  /* a TimeFeatureKind */
extern const ModelValue value_class_names, value_untrained; /* model_classes.c */

enum { KEY_LIST_MOST = UNET_MAX_LEVELS };

/* Reads the keys of the table that belong to `groups`, in the table's order. */
bool model_keys_read(const ModelReader *r, const ModelKey *keys, unsigned groups);
/* ERR_FORMAT when a key of these groups is absent; `owner`: whose file must have it. */
bool model_keys_need(const ModelReader *r, const ModelKey *keys, unsigned groups,
                     const char *owner);
/* Adds a warning for each key of the file that is none of these groups, and does not begin with '_'. */
void model_keys_warn(const ModelReader *r, const ModelKey *keys, unsigned groups);
/* Writes the key where it stands; without a name, its value alone. */
void model_key_put(JsonWriter *w, const ModelKey *k, const ModelConfig *m);
void model_keys_put(JsonWriter *w, const ModelKey *keys, unsigned groups, const ModelConfig *m);
/* A constant: the first of `words`, as JSON. */
void model_put_first(JsonWriter *w, const ModelKey *k, const ModelConfig *m);

/* The tables of the files. */
extern const ModelKey unet_keys[], mlp_keys[], scheduler_keys[];

static inline const ModelKey *network_keys(const ModelConfig *m)
{
    return m->network == NETWORK_MLP ? mlp_keys : unet_keys;
}

/* Adds a warning; when there is no room left the last one says so. */
void model_warn(ModelConfig *m, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same for what a person should know although nothing is wrong. */
void model_note(ModelConfig *m, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ERR_FORMAT sentences: a value of the wrong kind, and one that diffc cannot run. */
bool model_wrong(const ModelReader *r, const char *key, const Json *v, const char *expected);
bool model_unsupported(const ModelReader *r, const char *key, const Json *v, const char *instead);

/* Checked values: an integer (1.0 is one too) and any number, in the key's range; true or false; text
 * (NULL with *err set when it is no string). */
bool model_read_int(const ModelReader *r, const ModelKey *k, const Json *v, int *out);
bool model_read_number(const ModelReader *r, const ModelKey *k, const Json *v, double *out);
bool model_read_bool(const ModelReader *r, const char *key, const Json *v, bool *out);
const char *model_read_text(const ModelReader *r, const char *key, const Json *v);
/* Whether `word` is one of a NULL-ended list. */
bool model_word_in(const char *word, const char *const *list);

/* Reading the files. */
bool unet_config_read(const ModelReader *r);
bool mlp_config_read(const ModelReader *r);
bool scheduler_config_read(const ModelReader *r);

/* The member of the file that a key is read from. */
const Json *model_key_in(const ModelReader *r, const ModelKey *k);

static inline void *model_member(ModelConfig *m, size_t at)
{
    return (char *)m + at;
}

#endif
