/* Reads arrays from an .npz file: a zip whose members are arrays of NumPy's format (NEP 1). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "io/npz.h"
#include "io/zip_member.h"

enum { MOST_CHANNELS = 4, MOST_SIDE = 65535, MOST_DIMS = 4, TYPE_BYTES = 16 };
static const size_t most_bytes = UINT32_MAX;

/* A member that is an array. */
typedef struct {
    const Zip *zip;
    const char *name;
    char type[TYPE_BYTES]; /* "'<f8'", with its quotes, as far as there is room */
    bool fortran;
    int dims; /* 0: no shape of 1 to 4 positive numbers */
    unsigned long long shape[MOST_DIMS];
    const unsigned char *bytes;
    size_t size;
} Array;

/* The text behind 'KEY': in the header's dict; NULL: there is none. */
static const char *value_of(const char *dict, const char *key)
{
    char quoted[32];
    snprintf(quoted, sizeof quoted, "'%s':", key);
    const char *at = strstr(dict, quoted);
    return at ? at + strlen(quoted) + strspn(at + strlen(quoted), " ") : NULL;
}

/* Numbers of "(2, 16, 16, 1)"; 0: no shape of 1 to 4 positive numbers. */
static int read_shape(const char *text, unsigned long long shape[MOST_DIMS])
{
    int n = 0;
    if (!text || *text++ != '(') return 0;
    while (n < MOST_DIMS) {
        char *end;
        text += strspn(text, " ");
        if (*text < '0' || *text > '9') break;
        shape[n] = strtoull(text, &end, 10);
        if (shape[n++] == 0) return 0;
        text = end + strspn(end, " ");
        if (*text == ',') text++;
    }
    text += strspn(text, " ");
    return *text == ')' ? n : 0;
}

static void read_dict(const char *dict, Array *a)
{
    const char *type = value_of(dict, "descr"), *order = value_of(dict, "fortran_order");
    size_t length = type && *type == '\'' ? 2 + strcspn(type + 1, "'") : TYPE_BYTES;
    bool fits = length < TYPE_BYTES;
    snprintf(a->type, sizeof a->type, "%.*s", fits ? (int)length : TYPE_BYTES - 1,
             fits ? type : "unknown");
    a->fortran = !order || strncmp(order, "False", 5) != 0;
    a->dims = read_shape(value_of(dict, "shape"), a->shape);
}

static bool take_array(const ZipMember *m, Array *a, Err *err)
{
    static const char magic[] = "\x93NUMPY";
    enum { VERSION = 6, SHORT = 10, LONG = 12 };
    char what[64];
    if (m->size < LONG || memcmp(m->bytes, magic, VERSION) != 0) {
        snprintf(what, sizeof what, "%.30s is no array of NumPy's", a->name);
        return zip_damaged(a->zip, what, err);
    }
    bool longer = m->bytes[VERSION] > 1;
    size_t begin = longer ? LONG : SHORT, length = zip_number(m->bytes + 8, longer ? 4 : 2);
    if (length > m->size - begin) {
        snprintf(what, sizeof what, "the header of %.30s ends early", a->name);
        return zip_damaged(a->zip, what, err);
    }
    char *dict = mem_alloc(length + 1, 1);
    if (!dict)
        return err_set(err, ERR_MEMORY, "%s: not enough memory for its header", a->zip->path);
    memcpy(dict, m->bytes + begin, length);
    read_dict(dict, a);
    mem_free(dict);
    a->bytes = m->bytes + begin + length;
    a->size = m->size - begin - length;
    return true;
}

/* Finds the member "NAME.npy". `expected` ends the sentence about one that is missing. */
static bool open_array(const Zip *z, const char *name, const char *expected, ZipMember *m, Array *a,
                       Err *err)
{
    char member[64];
    bool found;
    *a = (Array){.zip = z, .name = name};
    snprintf(member, sizeof member, "%s.npy", name);
    if (!zip_member(z, member, &found, m, err)) return false;
    if (!found)
        return err_set(err, ERR_FORMAT, "%s: holds no array %s, where %s", z->path, name, expected);
    return take_array(m, a, err);
}

/* ---- images ---- */

static bool take_images(const Array *a, NpzImages *out, Err *err)
{
    const char *path = a->zip->path;
    unsigned long long channels = a->dims == 4 ? a->shape[3] : 1;
    if (strncmp(a->type, "'|u1'", 5) != 0 && strncmp(a->type, "'<u1'", 5) != 0)
        return err_set(err, ERR_FORMAT,
                       "%s: %s is of the type %s; images are bytes from 0 to 255 (uint8)", path,
                       a->name, a->type);
    if (a->fortran)
        return err_set(err, ERR_FORMAT, "%s: %s is in Fortran's order; expected C's", path,
                       a->name);
    if (a->dims < 3 || a->shape[1] > MOST_SIDE || a->shape[2] > MOST_SIDE ||
        channels > MOST_CHANNELS || a->shape[0] > most_bytes)
        return err_set(err, ERR_FORMAT,
                       "%s: %s has not the shape of images, [count, height, width, channels] "
                       "with 1 to %d channels",
                       path, a->name, MOST_CHANNELS);
    unsigned long long bytes = a->shape[1] * a->shape[2] * channels; /* below 2^34 */
    if (a->shape[0] > most_bytes / bytes || a->shape[0] * bytes != a->size)
        return zip_damaged(a->zip, "its array is not as long as its shape says", err);
    *out = (NpzImages){.count = (size_t)a->shape[0],
                       .H = (int)a->shape[1],
                       .W = (int)a->shape[2],
                       .C = (int)channels,
                       .pixels = mem_alloc(a->size, 1)};
    if (!out->pixels)
        return err_set(err, ERR_MEMORY, "%s: not enough memory for %zu images", path, out->count);
    memcpy(out->pixels, a->bytes, a->size);
    return true;
}

bool npz_read_images(const char *path, NpzImages *out, Err *err)
{
    Zip z;
    ZipMember m = {.bytes = NULL};
    Array a;
    *out = (NpzImages){0};
    bool ok =
        zip_open(&z, path, err) &&
        open_array(&z, "arr_0", "images are expected (numpy.savez(file, images))", &m, &a, err) &&
        take_images(&a, out, err);
    zip_member_free(&m);
    zip_close(&z);
    return ok;
}

/* ---- numbers ---- */

static bool take_numbers(const Array *a, NpzNumbers *out, Err *err)
{
    const char *path = a->zip->path;
    unsigned long long rows = a->shape[0], columns = out->dims == 2 ? a->shape[1] : 1;
    if (strncmp(a->type, "'<f8'", 5) != 0)
        return err_set(err, ERR_FORMAT, "%s: %s is of the type %s; expected '<f8' (float64)", path,
                       a->name, a->type);
    if (a->dims != out->dims)
        return err_set(err, ERR_FORMAT, "%s: %s is no array of %d dimension%s", path, a->name,
                       out->dims, out->dims == 1 ? "" : "s");
    if (rows > most_bytes || columns > most_bytes || rows > most_bytes / columns ||
        rows * columns * sizeof(double) != a->size)
        return zip_damaged(a->zip, "its array is not as long as its shape says", err);
    out->shape[0] = (size_t)rows;
    out->shape[1] = (size_t)columns;
    out->values = mem_doubles((size_t)(rows * columns));
    if (!out->values)
        return err_set(err, ERR_MEMORY, "%s: not enough memory for its array %s", path, a->name);
    for (size_t i = 0; i < rows * columns; i++) {
        size_t from = a->fortran ? i % columns * rows + i / columns : i;
        memcpy(&out->values[i], a->bytes + from * sizeof(double), sizeof(double));
    }
    return true;
}

bool npz_read_numbers(const char *path, const char *expected, NpzNumbers *arrays, int count,
                      Err *err)
{
    Zip z;
    for (int i = 0; i < count; i++) arrays[i].values = NULL;
    bool ok = zip_open(&z, path, err);
    for (int i = 0; i < count && ok; i++) {
        ZipMember m = {.bytes = NULL};
        Array a;
        ok = open_array(&z, arrays[i].name, expected, &m, &a, err) &&
             take_numbers(&a, &arrays[i], err);
        zip_member_free(&m);
    }
    zip_close(&z);
    return ok;
}

void npz_free_numbers(NpzNumbers *arrays, int count)
{
    for (int i = 0; i < count; i++) mem_free(arrays[i].values);
}
