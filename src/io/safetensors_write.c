#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "io/json.h"
#include "io/safetensors.h"

enum { LENGTH_BYTES = 8, ALIGNMENT = 8 };

void tensors_of_block(TensorOut *out, const ParamTable *table, const float *block)
{
    for (int i = 0; i < table->count; i++) {
        const ParamInfo *info = &table->info[i];
        out[i] = (TensorOut){info->name, info, block + info->offset};
    }
}

bool tensors_check_finite(const TensorOut *tensors, size_t count, const char *path, Err *err)
{
    for (const TensorOut *t = tensors; t < tensors + count; t++)
        for (size_t i = 0; i < t->info->count; i++)
            if (!isfinite(t->values[i]))
                return err_set(err, ERR_DIVERGED,
                               "%s: not written, for \"%s\" holds values that are not finite", path,
                               t->name);
    return true;
}

static int compare_tensors(const void *a, const void *b)
{
    return strcmp(((const TensorOut *)a)->name, ((const TensorOut *)b)->name);
}

void safetensors_sort(TensorOut *tensors, size_t count)
{
    if (count) qsort(tensors, count, sizeof *tensors, compare_tensors);
}

static void write_entry(JsonWriter *w, const TensorOut *t, size_t begin)
{
    json_begin_object(w, t->name);
    json_put_string(w, "dtype", "F32");
    json_begin_array(w, "shape");
    for (int i = 0; i < t->info->rank; i++) json_put_int(w, NULL, t->info->shape[i]);
    json_end_array(w);
    json_begin_array(w, "data_offsets");
    json_put_uint(w, NULL, begin);
    json_put_uint(w, NULL, begin + t->info->count * sizeof(float));
    json_end_array(w);
    json_end_object(w);
}

/* The header's JSON: metadata first, then the tensors in file order. */
static void write_header(JsonWriter *w, const TensorOut *tensors, size_t count,
                         const char *const *metadata, size_t metadata_pairs)
{
    json_begin_object(w, NULL);
    if (metadata_pairs) {
        json_begin_object(w, "__metadata__");
        for (size_t i = 0; i < metadata_pairs; i++)
            json_put_string(w, metadata[2 * i], metadata[2 * i + 1]);
        json_end_object(w);
    }
    size_t begin = 0;
    for (size_t i = 0; i < count; i++) {
        write_entry(w, &tensors[i], begin);
        begin += tensors[i].info->count * sizeof(float);
    }
    json_end_object(w);
}

static bool append_header(FileWriter *file, const char *text, Err *err)
{
    size_t length = strlen(text), padding = (ALIGNMENT - length % ALIGNMENT) % ALIGNMENT;
    unsigned char size[LENGTH_BYTES];
    for (int i = 0; i < LENGTH_BYTES; i++)
        size[i] = (unsigned char)((uint64_t)(length + padding) >> 8 * i);
    return file_writer_append(file, size, sizeof size, err) &&
           file_writer_append(file, text, length, err) &&
           file_writer_append(file, "        ", padding, err);
}

/* `buffer` holds the largest tensor. */
static bool append_all(FileWriter *file, const char *header, const TensorOut *tensors, size_t count,
                       float *buffer, Err *err)
{
    bool ok = append_header(file, header, err);
    for (const TensorOut *t = tensors; ok && t < tensors + count; t++) {
        params_to_disk(t->info, buffer, t->values);
        ok = file_writer_append(file, buffer, t->info->count * sizeof(float), err);
    }
    return ok;
}

bool safetensors_write(const char *path, TensorOut *tensors, size_t count,
                       const char *const *metadata, size_t metadata_pairs, Err *err)
{
    size_t largest = 0;
    JsonWriter w;
    FileWriter file;
    safetensors_sort(tensors, count);
    for (size_t i = 0; i < count; i++) {
        CHECK(i == 0 || strcmp(tensors[i - 1].name, tensors[i].name) != 0);
        if (tensors[i].info->count > largest) largest = tensors[i].info->count;
    }
    float *buffer = mem_floats(largest);
    json_write_init(&w, 0);
    write_header(&w, tensors, count, metadata, metadata_pairs);
    const char *header = json_text(&w);
    bool ok = (buffer && header) ||
              err_set(err, ERR_MEMORY, "%s: not enough memory to write %zu tensors", path, count);
    ok = ok && file_writer_open(&file, path, err) &&
         append_all(&file, header, tensors, count, buffer, err) && file_writer_commit(&file, err);
    mem_free(buffer);
    json_write_free(&w);
    return ok;
}
