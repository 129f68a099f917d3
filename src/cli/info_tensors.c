#include "cli/info_tensors.h"

#include "base/term.h"
#include "base/text.h"
#include "cli/cli.h"
#include "io/safetensors.h"

static const size_t TENSORS_LIMIT_BYTES = (size_t)64 << 30;

static void tensor_lines(const char *path, const Safetensors *st, size_t elements)
{
    char count[32], bytes[16];
    term_format_count(count, elements);
    term_format_bytes(bytes, (double)st->data_bytes);
    output_line("%s: %zu tensor%s, %s value%s, %s", path, st->count, st->count == 1 ? "" : "s",
                count, elements == 1 ? "" : "s", bytes);
    for (size_t i = 0; i < st->count; i++) {
        const TensorInfo *t = &st->tensors[i];
        char shape[SHAPE_TEXT_BYTES], name[256];
        tensor_shape_text(shape, t);
        text_escape(name, sizeof name, t->name);
        output_line("  %-5s %s %s", t->dtype, shape, name);
    }
    for (size_t i = 0; i < st->metadata_count; i++) {
        char key[128], value[256];
        text_escape(key, sizeof key, st->metadata[2 * i]);
        text_escape(value, sizeof value, st->metadata[2 * i + 1]);
        output_line("  metadata %s: %s", key, value);
    }
}

static bool tensor_json(const char *path, const Safetensors *st, size_t elements, Err *err)
{
    JsonWriter w;
    output_begin(&w);
    json_put_string(&w, "path", path);
    json_put_string(&w, "kind", "tensors");
    json_put_int(&w, "values", (int64_t)elements);
    json_put_int(&w, "bytes", (int64_t)st->data_bytes);
    json_begin_array(&w, "tensors");
    for (size_t i = 0; i < st->count; i++) {
        const TensorInfo *t = &st->tensors[i];
        json_begin_object(&w, NULL);
        json_put_string(&w, "name", t->name);
        json_put_string(&w, "dtype", t->dtype);
        json_begin_array(&w, "shape");
        for (int d = 0; d < t->rank; d++) json_put_int(&w, NULL, t->shape[d]);
        json_end_array(&w);
        json_end_object(&w);
    }
    json_end_array(&w);
    json_begin_object(&w, "metadata");
    for (size_t i = 0; i < st->metadata_count; i++)
        json_put_string(&w, st->metadata[2 * i], st->metadata[2 * i + 1]);
    json_end_object(&w);
    return output_json(&w, err);
}

bool show_tensors(const char *path, bool json, Err *err)
{
    Safetensors st;
    if (!safetensors_open(&st, path, TENSORS_LIMIT_BYTES, err)) return false;
    size_t elements = 0;
    for (size_t i = 0; i < st.count; i++) elements += st.tensors[i].count;
    bool ok = true;
    if (json)
        ok = tensor_json(path, &st, elements, err);
    else
        tensor_lines(path, &st, elements);
    safetensors_close(&st);
    return ok;
}
