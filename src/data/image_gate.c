#include "data/image_gate.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/choice.h"
#include "base/file_kind.h"
#include "base/mem.h"
#include "data/image.h"

static const ImageFormat *const image_formats[] = {&image_png, &image_jpeg, NULL};

const ImageFormat *image_format(const unsigned char *bytes, size_t size)
{
    for (int i = 0; image_formats[i]; i++) {
        const ImageFormat *f = image_formats[i];
        if (size >= f->signature_bytes && memcmp(bytes, f->signature, f->signature_bytes) == 0)
            return f;
    }
    return NULL;
}

bool image_named(const char *name)
{
    const char *dot = strrchr(name, '.');
    for (int i = 0; dot && image_formats[i]; i++)
        for (int k = 0; image_formats[i]->endings[k]; k++)
            if (strcasecmp(dot + 1, image_formats[i]->endings[k]) == 0) return true;
    return false;
}

static const char *format_name(const void *context, int index)
{
    (void)context;
    return image_formats[index] ? image_formats[index]->name : NULL;
}

void image_formats_list(char *out, size_t size)
{
    choice_list(format_name, NULL, " or ", "", out, size);
}

uint32_t image_be16(const unsigned char *p)
{
    return (uint32_t)p[0] << 8 | p[1];
}

uint32_t image_be32(const unsigned char *p)
{
    return image_be16(p) << 16 | image_be16(p + 2);
}

void image_put_be32(unsigned char *p, uint32_t value)
{
    for (int i = 0; i < 4; i++) p[i] = (unsigned char)(value >> (24 - 8 * i));
}

bool image_gate_size(uint64_t height, uint64_t width, const char *name, Err *err)
{
    enum { MAX_SIDE = 1 << 24 };
    if (height == 0 || width == 0)
        return err_set(err, ERR_FORMAT, "%s: declares an empty image of %llux%llu pixels", name,
                       (unsigned long long)width, (unsigned long long)height);
    if (height > MAX_SIDE || width > MAX_SIDE || height * width > IMAGE_MAX_PIXELS)
        return err_set(err, ERR_FORMAT, "%s: declares %llux%llu pixels, more than the limit of %d",
                       name, (unsigned long long)width, (unsigned long long)height,
                       IMAGE_MAX_PIXELS);
    return true;
}

static uint32_t tiff16(const unsigned char *p, bool big)
{
    return big ? image_be16(p) : (uint32_t)p[1] << 8 | p[0];
}

static uint32_t tiff32(const unsigned char *p, bool big)
{
    return big ? image_be32(p) : tiff16(p + 2, false) << 16 | tiff16(p, false);
}

int image_exif_orientation(const unsigned char *tiff, size_t size)
{
    enum { TAG_ORIENTATION = 0x0112, TYPE_SHORT = 3, ENTRY_BYTES = 12 };
    if (size < 8) return 1;
    bool big = memcmp(tiff, "MM\0*", 4) == 0;
    if (!big && memcmp(tiff, "II*\0", 4) != 0) return 1;
    size_t at = tiff32(tiff + 4, big);
    if (at > size - 2) return 1;
    uint32_t entries = tiff16(tiff + at, big);
    at += 2;
    for (uint32_t i = 0; i < entries && size - at >= ENTRY_BYTES; i++, at += ENTRY_BYTES) {
        const unsigned char *entry = tiff + at;
        if (tiff16(entry, big) != TAG_ORIENTATION) continue;
        uint32_t value = tiff16(entry + 8, big);
        bool usable = tiff16(entry + 2, big) == TYPE_SHORT && value >= 1 && value <= 8;
        return usable ? (int)value : 1;
    }
    return 1;
}

bool image_gate(const unsigned char *bytes, size_t size, const char *name, ImageGate *gate,
                Err *err)
{
    char list[64], expected[80];
    *gate = (ImageGate){.orientation = 1};
    if (size > IMAGE_MAX_BYTES)
        return err_set(err, ERR_FORMAT, "%s: has %zu bytes, more than the limit of %d", name, size,
                       IMAGE_MAX_BYTES);
    gate->format = image_format(bytes, size);
    if (!gate->format) {
        image_formats_list(list, sizeof list);
        snprintf(expected, sizeof expected, "a %s image", list);
        return file_kind_refuse(name, bytes, size, expected, err);
    }
    bool ok = gate->format->check(bytes, size, name, gate, err);
    if (!ok) image_gate_free(gate);
    return ok;
}

void image_gate_free(ImageGate *gate)
{
    mem_free(gate->copy);
    gate->copy = NULL;
    gate->copy_bytes = 0;
}
