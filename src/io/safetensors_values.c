#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "io/safetensors.h"

static int compare_name(const void *name, const void *tensor)
{
    return strcmp(name, (*(const TensorInfo *const *)tensor)->name);
}

const TensorInfo *safetensors_find(const Safetensors *st, const char *name)
{
    const TensorInfo **found =
        bsearch(name, st->by_name, st->count, sizeof *st->by_name, compare_name);
    return found ? *found : NULL;
}

const char *safetensors_metadata(const Safetensors *st, const char *key)
{
    for (size_t i = 0; i < st->metadata_count; i++)
        if (strcmp(st->metadata[2 * i], key) == 0) return st->metadata[2 * i + 1];
    return NULL;
}

static float float_of_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* IEEE half precision: sign, 5 bits of exponent, 10 of fraction. */
static float half_to_float(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & 0x8000u) << 16, fraction = half & 0x3FFu;
    int exponent = half >> 10 & 31;
    if (exponent == 31) return float_of_bits(sign | 0x7F800000u | fraction << 13);
    if (exponent > 0)
        return float_of_bits(sign | (uint32_t)(exponent + 112) << 23 | fraction << 13);
    float value = (float)fraction * 0x1p-24f; /* exact: a subnormal half is a normal float */
    return sign ? -value : value;
}

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "the data of safetensors files are little-endian and are copied as they are");

bool safetensors_read_floats(const Safetensors *st, const TensorInfo *t, const char *path,
                             float *out, Err *err)
{
    /* The data may begin at any address, so values are copied, never pointed at. */
    const unsigned char *p = st->data + t->begin;
    if (strcmp(t->dtype, "F32") == 0) {
        if (t->count) memcpy(out, p, t->count * sizeof *out);
    } else if (strcmp(t->dtype, "F16") == 0 || strcmp(t->dtype, "BF16") == 0) {
        bool half = t->dtype[0] == 'F';
        for (size_t i = 0; i < t->count; i++) {
            uint16_t value;
            memcpy(&value, p + 2 * i, sizeof value);
            out[i] = half ? half_to_float(value) : float_of_bits((uint32_t)value << 16);
        }
    } else if (strcmp(t->dtype, "F64") == 0) {
        for (size_t i = 0; i < t->count; i++) {
            double value;
            memcpy(&value, p + 8 * i, sizeof value);
            out[i] = (float)value;
        }
    } else {
        char shown[200];
        text_escape(shown, sizeof shown, t->name);
        return err_set(err, ERR_FORMAT,
                       "%s: tensor \"%s\" has type %s; weights must be F32, F16, BF16 or F64", path,
                       shown, t->dtype);
    }
    return true;
}

void tensor_shape_text(char out[SHAPE_TEXT_BYTES], const TensorInfo *t)
{
    snprintf(out, SHAPE_TEXT_BYTES, "[");
    for (int i = 0; i < t->rank; i++)
        text_append(out, SHAPE_TEXT_BYTES, "%s%lld", i ? ", " : "", (long long)t->shape[i]);
    text_append(out, SHAPE_TEXT_BYTES, "]");
}

void param_shape_text(char out[SHAPE_TEXT_BYTES], const ParamInfo *info)
{
    TensorInfo t = {.rank = info->rank};
    for (int i = 0; i < info->rank; i++) t.shape[i] = info->shape[i];
    tensor_shape_text(out, &t);
}
