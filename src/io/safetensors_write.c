#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "io/json.h"
#include "io/safetensors.h"

enum { LENGTH_BYTES = 8, ALIGNMENT = 8 };

static size_t element_count(const TensorOut *t)
{
    size_t count = 1;
    CHECK(t->rank >= 0 && t->rank <= TENSOR_MAX_RANK);
    for (int i = 0; i < t->rank; i++) {
        CHECK(t->shape[i] >= 0);
        CHECK(!__builtin_mul_overflow(count, (size_t)t->shape[i], &count));
    }
    CHECK(count <= SIZE_MAX / sizeof(float));
    return count;
}

static int compare_tensors(const void *a, const void *b)
{
    return strcmp(((const TensorOut *)a)->name, ((const TensorOut *)b)->name);
}

void safetensors_sort(TensorOut *tensors, size_t count)
{
    qsort(tensors, count, sizeof *tensors, compare_tensors);
}

static void write_entry(JsonWriter *w, const TensorOut *t, size_t begin)
{
    json_begin_object(w, t->name);
    json_put_string(w, "dtype", "F32");
    json_begin_array(w, "shape");
    for (int i = 0; i < t->rank; i++) json_put_int(w, NULL, t->shape[i]);
    json_end_array(w);
    json_begin_array(w, "data_offsets");
    json_put_uint(w, NULL, begin);
    json_put_uint(w, NULL, begin + element_count(t) * sizeof(float));
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
        begin += element_count(&tensors[i]) * sizeof(float);
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

/* `tensors` are sorted; `buffer` holds the largest tensor that is filled on demand. */
static bool append_all(FileWriter *file, const char *header, const TensorOut *tensors, size_t count,
                       float *buffer, Err *err)
{
    if (!append_header(file, header, err)) return false;
    for (size_t i = 0; i < count; i++) {
        const TensorOut *t = &tensors[i];
        const float *values = t->values ? t->values : buffer;
        if (!t->values) t->fill(t->context, t->index, buffer);
        if (!file_writer_append(file, values, element_count(t) * sizeof(float), err)) return false;
    }
    return true;
}

bool safetensors_write(const char *path, const TensorOut *tensors, size_t count,
                       const char *const *metadata, size_t metadata_pairs, Err *err)
{
    bool ok = false;
    float *buffer = NULL;
    size_t largest = 0;
    JsonWriter w;
    json_write_init(&w, 0);
    TensorOut *sorted = mem_alloc(count, sizeof *sorted);
    if (!sorted) goto no_memory;
    if (count) memcpy(sorted, tensors, count * sizeof *sorted);
    safetensors_sort(sorted, count);
    for (size_t i = 0; i < count; i++) {
        CHECK(i == 0 || strcmp(sorted[i - 1].name, sorted[i].name) != 0);
        size_t n = element_count(&sorted[i]);
        if (!sorted[i].values && n > largest) largest = n;
    }
    buffer = mem_floats(largest);
    write_header(&w, sorted, count, metadata, metadata_pairs);
    const char *header = json_text(&w);
    if (!buffer || !header) goto no_memory;
    FileWriter file;
    ok = file_writer_open(&file, path, err) &&
         append_all(&file, header, sorted, count, buffer, err) && file_writer_commit(&file, err);
    goto done;
no_memory:
    err_set(err, ERR_MEMORY, "%s: not enough memory to write %zu tensors", path, count);
done:
    mem_free(sorted);
    mem_free(buffer);
    json_write_free(&w);
    return ok;
}
