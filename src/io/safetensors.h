/* safetensors files: 8 bytes of header length, a JSON header, packed little-endian data. Reading
 * enforces every rule of the interchange specification 3.2, before anything is allocated that
 * depends on the file. */
#ifndef DIFFC_SAFETENSORS_H
#define DIFFC_SAFETENSORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/fsio.h"
#include "base/params.h"

enum { TENSOR_MAX_RANK = 8 };

typedef struct {
    char *name;
    char dtype[12]; /* "F32", "BF16", ... */
    int rank;
    int64_t shape[TENSOR_MAX_RANK];
    size_t begin, end; /* bytes in the data buffer */
    size_t count;      /* elements */
} TensorInfo;

typedef struct {
    FileBytes file;
    const unsigned char *data; /* the data buffer inside file.bytes */
    size_t data_bytes;
    TensorInfo *tensors; /* in offset order */
    size_t count;
    char **metadata;            /* key, value, key, value ... sorted by key */
    size_t metadata_count;      /* pairs */
    const TensorInfo **by_name; /* [count] sorted by name bytes */
    char *names;                /* holds all names, keys and values */
} Safetensors;

/* ERR_FORMAT names the rule that is broken, and the tensor. */
bool safetensors_open(Safetensors *st, const char *path, size_t limit, Err *err);
/* The same from memory, for tests and fuzzing; takes the bytes over. */
bool safetensors_parse(Safetensors *st, FileBytes bytes, const char *name, Err *err);
void safetensors_close(Safetensors *st);
const TensorInfo *safetensors_find(const Safetensors *st, const char *name);
const char *safetensors_metadata(const Safetensors *st, const char *key); /* NULL when absent */
/* Converts F32, F16, BF16 or F64 to float; other types are ERR_FORMAT naming the type. */
bool safetensors_read_floats(const Safetensors *st, const TensorInfo *t, const char *path,
                             float *out, Err *err);
/* "[64, 3, 3, 3]" */
enum { SHAPE_TEXT_BYTES = 176 }; /* any shape fits */
void tensor_shape_text(char out[SHAPE_TEXT_BYTES], const TensorInfo *t);
void param_shape_text(char out[SHAPE_TEXT_BYTES], const ParamInfo *info);

/* A tensor to be written, as F32 in its layout on disk. */
typedef struct {
    const char *name;
    const ParamInfo *info; /* shape and layout */
    const float *values;   /* in the layout of a block */
} TensorOut;
/* The parameters of a table under their own names: `out` has room for table->count. */
void tensors_of_block(TensorOut *out, const ParamTable *table, const float *block);
/* ERR_DIVERGED when a value is not finite: what has gone wrong must not replace what is right. */
bool tensors_check_finite(const TensorOut *tensors, size_t count, const char *path, Err *err);
/* Sorts by name bytes: the order in which the file holds the tensors. */
void safetensors_sort(TensorOut *tensors, size_t count);
/* Sorts the tensors and writes them. metadata: pairs key, value. Byte-identical to the reference writer
 * for at most one pair (its order of several is undefined; here it is the given one). Written through
 * fsio (temporary file, sync, rename). Two equal names are a bug (CHECK). */
bool safetensors_write(const char *path, TensorOut *tensors, size_t count,
                       const char *const *metadata, size_t metadata_pairs, Err *err);

#endif
