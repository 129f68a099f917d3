#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "io/safetensors.h"

const TensorInfo *safetensors_find(const Safetensors *st, const char *name)
{
    size_t low = 0, high = st->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(name, st->by_name[middle]->name);
        if (order == 0) return st->by_name[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

const char *safetensors_metadata(const Safetensors *st, const char *key)
{
    for (size_t i = 0; i < st->metadata_count; i++)
        if (strcmp(st->metadata[2 * i], key) == 0) return st->metadata[2 * i + 1];
    return NULL;
}

/* IEEE half precision: sign, 5 bits of exponent, 10 of fraction. */
static float half_to_float(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & 0x8000u) << 16, fraction = half & 0x3FFu, bits;
    int exponent = half >> 10 & 31;
    if (exponent == 31) {
        bits = sign | 0x7F800000u | fraction << 13;
    } else if (exponent > 0) {
        bits = sign | (uint32_t)(exponent + 112) << 23 | fraction << 13;
    } else {
        float value = (float)fraction * 0x1p-24f; /* exact: a subnormal half is a normal float */
        return sign ? -value : value;
    }
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static float bfloat_to_float(uint16_t top)
{
    uint32_t bits = (uint32_t)top << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
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
            out[i] = half ? half_to_float(value) : bfloat_to_float(value);
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

void tensor_shape_text(char *out, size_t size, const int64_t *shape, int rank)
{
    size_t used = (size_t)snprintf(out, size, "[");
    for (int i = 0; i < rank && used < size; i++)
        used +=
            (size_t)snprintf(out + used, size - used, "%s%lld", i ? ", " : "", (long long)shape[i]);
    if (used < size) snprintf(out + used, size - used, "]");
}
