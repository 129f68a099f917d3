/* The keys of a model's JSON files as rows of tables: a row reads, checks and writes its key. */
#ifndef DIFFC_MODEL_KEYS_H
#define DIFFC_MODEL_KEYS_H

#include "io/diffusers/model_files.h"

typedef struct ModelKey ModelKey;

/* A kind of value, with both directions. */
typedef struct {
    bool (*read)(const ModelReader *r, const ModelKey *k, const Json *v);
    void (*put)(JsonWriter *w, const ModelKey *k, const ModelConfig *m);
} ModelValue;

enum {
    KEY_NEEDED = 1 << 0,    /* a file without it is refused */
    KEY_OPEN_LOW = 1 << 1,  /* low itself is excluded */
    KEY_OPEN_HIGH = 1 << 2, /* high itself is excluded */
    KEY_OPTIONAL = 1 << 3,  /* 0, null or an empty list does not stand in the file */
    KEY_ANY_CASE = 1 << 4,  /* a word in upper and lower case */
};

/* In a table the rows stand in the order of their names, as files have them; the last has no name. */
struct ModelKey {
    const char *name;
    const ModelValue *value;
    size_t at; /* offset in ModelConfig */
    double low, high;
    unsigned flags;
    bool (*stands)(const ModelConfig *m); /* whether it is written; NULL: always */
    const char *old;                      /* its name in the first releases of diffusers */
    const char *const *words;             /* what it may be, NULL-ended */
    const char *instead;                  /* what diffc runs, for messages */
    size_t count_at;                      /* of a list: offset of its length */
    bool (*read)(const ModelReader *r, const ModelKey *k, const Json *v); /* instead of value's */
    void (*put)(JsonWriter *w, const ModelKey *k, const ModelConfig *m);  /* neither: not written */
};

extern const ModelValue value_bool, value_int, value_float;
extern const ModelValue value_number; /* a float that is written without ".0"; both are doubles */
extern const ModelValue value_int_or_null; /* null is 0 */
extern const ModelValue value_ints;        /* 1 to 8 integers, from 0 where KEY_OPTIONAL */
extern const ModelValue value_word;        /* an enumeration, by `words` */
extern const ModelValue value_fixed; /* one of `words`, all of which mean the first; in no member */
extern const ModelValue value_null;  /* null alone; in no member */
extern const ModelValue value_time;  /* a TimeFeatureKind */

enum { KEY_LIST_MOST = UNET_MAX_LEVELS };

/* Reads one key of a table, where object has it. */
bool model_key_read(const ModelReader *r, const Json *object, const ModelKey *keys,
                    const char *name);
/* Adds a warning for each key that is neither in the table nor in `ignored` (NULL-ended, or NULL) and does
 * not begin with '_'. */
void model_keys_warn(const ModelReader *r, const Json *object, const ModelKey *keys,
                     const char *const *ignored);

/* Reads the members of object. Keys that begin with '_' are left to the caller; others that the
 * table does not have are warnings. */
bool model_keys_read(const ModelReader *r, const Json *object, const ModelKey *keys,
                     const char *const *ignored);
void model_keys_put(JsonWriter *w, const ModelKey *keys, const ModelConfig *m);

/* The member of object that a key is read from. */
const Json *model_key_in(const Json *object, const ModelKey *k);

static inline void *model_member(ModelConfig *m, size_t at)
{
    return (char *)m + at;
}

#endif
