/* Reads images from an .npz file: a zip (APPNOTE 4.3) whose member arr_0.npy is an array of NumPy's format
 * (NEP 1). The directory at the end of the file is what counts; of the member's own header only its
 * length is read. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/file_kind.h"
#include "base/fsio.h"
#include "base/mem.h"
#include "io/npz.h"

enum {
    LOCAL_BYTES = 30,
    CENTRAL_BYTES = 46,
    END_BYTES = 22,
    MOST_COMMENT = 65535,
    STORED = 0,
    DEFLATED = 8,
    MOST_CHANNELS = 4,
    MOST_SIDE = 65535
};
static const char member[] = "arr_0.npy";
static const size_t most_bytes = UINT32_MAX;

typedef struct {
    const char *path;
    FileBytes file;
    const unsigned char *body; /* of the member as stored */
    size_t packed, size;       /* its bytes as stored, and inflated */
    uint32_t crc;
    int method;
    unsigned char *inflated; /* where it is deflated */
} Zip;

static uint32_t number(const unsigned char *at, int bytes)
{
    uint32_t value = 0;
    for (int i = 0; i < bytes; i++) value |= (uint32_t)at[i] << 8 * i;
    return value;
}

static bool damaged(const Zip *z, const char *what, Err *err)
{
    return err_set(err, ERR_FORMAT, "%s: is a damaged .npz file: %s", z->path, what);
}

/* The end record and the comment behind it, which ends the file; NULL: there is none. */
static const unsigned char *find_end(const FileBytes *f)
{
    for (size_t comment = 0; comment <= MOST_COMMENT && END_BYTES + comment <= f->size; comment++) {
        const unsigned char *end = f->bytes + f->size - comment - END_BYTES;
        if (number(end, 4) == 0x06054b50 && number(end + 20, 2) == comment) return end;
    }
    return NULL;
}

/* Takes the member that a directory entry describes. */
static bool take_member(Zip *z, const unsigned char *entry, Err *err)
{
    size_t local = number(entry + 42, 4), file = z->file.size;
    z->method = (int)number(entry + 10, 2);
    z->crc = number(entry + 16, 4);
    z->packed = number(entry + 20, 4);
    z->size = number(entry + 24, 4);
    if (number(entry + 8, 2) & 1)
        return err_set(err, ERR_FORMAT, "%s: %s is encrypted", z->path, member);
    if (z->packed == UINT32_MAX || z->size == UINT32_MAX || local == UINT32_MAX)
        return err_set(err, ERR_FORMAT, "%s: %s has more than 4 GiB, the most that is read",
                       z->path, member);
    if (local > file || file - local < LOCAL_BYTES ||
        number(z->file.bytes + local, 4) != 0x04034b50)
        return damaged(z, "its directory points to no member", err);
    size_t start = local + LOCAL_BYTES + number(z->file.bytes + local + 26, 2) +
                   number(z->file.bytes + local + 28, 2);
    if (start > file || file - start < z->packed)
        return damaged(z, "its member is longer than the file", err);
    z->body = z->file.bytes + start;
    return true;
}

static bool find_member(Zip *z, Err *err)
{
    const unsigned char *bytes = z->file.bytes, *end = find_end(&z->file);
    size_t size = z->file.size;
    if (size < 4 || number(bytes, 2) != 0x4b50)
        return file_kind_refuse(z->path, bytes, size, "an .npz file", err);
    if (!end) return damaged(z, "its directory is missing", err);
    size_t entries = number(end + 10, 2), at = number(end + 16, 4);
    for (size_t i = 0; i < entries; i++) {
        if (at > size || size - at < CENTRAL_BYTES || number(bytes + at, 4) != 0x02014b50)
            return damaged(z, "its directory ends early", err);
        size_t name = number(bytes + at + 28, 2);
        size_t rest = name + number(bytes + at + 30, 2) + number(bytes + at + 32, 2);
        if (size - at - CENTRAL_BYTES < rest) return damaged(z, "its directory ends early", err);
        if (name == sizeof member - 1 && memcmp(bytes + at + CENTRAL_BYTES, member, name) == 0)
            return take_member(z, bytes + at, err);
        at += CENTRAL_BYTES + rest;
    }
    return err_set(
        err, ERR_FORMAT,
        "%s: holds no array arr_0, where images are expected (numpy.savez(file, images))", z->path);
}

static bool inflate_member(Zip *z, Err *err)
{
    z->inflated = mem_alloc(z->size, 1);
    if (!z->inflated)
        return err_set(err, ERR_MEMORY, "%s: not enough memory for %zu bytes", z->path, z->size);
    z_stream s = {.next_in = (Bytef *)(size_t)z->body,
                  .avail_in = (uInt)z->packed,
                  .next_out = z->inflated,
                  .avail_out = (uInt)z->size};
    int made = inflateInit2(&s, -MAX_WBITS);
    if (made != Z_OK) return err_set(err, ERR_MEMORY, "%s: not enough memory to inflate", z->path);
    int end = inflate(&s, Z_FINISH);
    inflateEnd(&s);
    if (end == Z_MEM_ERROR)
        return err_set(err, ERR_MEMORY, "%s: not enough memory to inflate", z->path);
    if (end != Z_STREAM_END || s.avail_out > 0)
        return damaged(z, "its member cannot be inflated", err);
    z->body = z->inflated;
    return true;
}

static bool open_member(Zip *z, Err *err)
{
    if (!find_member(z, err)) return false;
    if (z->method == DEFLATED) {
        if (!inflate_member(z, err)) return false;
    } else if (z->method != STORED) {
        return err_set(err, ERR_FORMAT,
                       "%s: %s is packed by method %d; stored and deflated are read", z->path,
                       member, z->method);
    } else if (z->packed != z->size) {
        return damaged(z, "its member has two sizes", err);
    }
    return (uint32_t)crc32_z(0, z->body, z->size) == z->crc ||
           damaged(z, "the checksum of its array is another", err);
}

/* ---- the array ---- */

/* The text behind 'KEY': in the header's dict; NULL: there is none. */
static const char *value_of(const char *dict, const char *key)
{
    char quoted[32];
    snprintf(quoted, sizeof quoted, "'%s':", key);
    const char *at = strstr(dict, quoted);
    return at ? at + strlen(quoted) + strspn(at + strlen(quoted), " ") : NULL;
}

/* Numbers of "(2, 16, 16, 1)"; 0: no shape of 3 or 4 positive numbers. */
static int read_shape(const char *text, unsigned long long shape[4])
{
    int n = 0;
    if (!text || *text++ != '(') return 0;
    while (n < 4) {
        char *end;
        text += strspn(text, " ");
        if (*text < '0' || *text > '9') break;
        shape[n] = strtoull(text, &end, 10);
        if (shape[n++] == 0) return 0;
        text = end + strspn(end, " ");
        if (*text == ',') text++;
    }
    text += strspn(text, " ");
    return *text == ')' && n >= 3 ? n : 0;
}

static bool check_array(const Zip *z, const char *dict, size_t start, NpzImages *out, Err *err)
{
    const char *kind = value_of(dict, "descr"), *order = value_of(dict, "fortran_order");
    unsigned long long shape[4] = {0, 0, 0, 1};
    if (!kind || (strncmp(kind, "'|u1'", 5) != 0 && strncmp(kind, "'<u1'", 5) != 0))
        return err_set(err, ERR_FORMAT,
                       "%s: arr_0 is of the type %.10s; images are bytes from 0 to 255 (uint8)",
                       z->path, kind ? kind : "unknown");
    if (!order || strncmp(order, "False", 5) != 0)
        return err_set(err, ERR_FORMAT, "%s: arr_0 is in Fortran's order; expected C's", z->path);
    if (!read_shape(value_of(dict, "shape"), shape) || shape[1] > MOST_SIDE ||
        shape[2] > MOST_SIDE || shape[3] > MOST_CHANNELS || shape[0] > most_bytes)
        return err_set(err, ERR_FORMAT,
                       "%s: arr_0 has not the shape of images, [count, height, width, channels] "
                       "with 1 to %d channels",
                       z->path, MOST_CHANNELS);
    unsigned long long bytes = shape[1] * shape[2] * shape[3]; /* below 2^34 */
    if (shape[0] > most_bytes / bytes || shape[0] * bytes != z->size - start)
        return damaged(z, "its array is not as long as its shape says", err);
    *out = (NpzImages){.count = (size_t)shape[0],
                       .H = (int)shape[1],
                       .W = (int)shape[2],
                       .C = (int)shape[3],
                       .pixels = mem_alloc(z->size - start, 1)};
    if (!out->pixels)
        return err_set(err, ERR_MEMORY, "%s: not enough memory for %zu images", z->path,
                       out->count);
    memcpy(out->pixels, z->body + start, z->size - start);
    return true;
}

static bool read_array(const Zip *z, NpzImages *out, Err *err)
{
    static const char magic[] = "\x93NUMPY";
    enum { VERSION = 6, SHORT = 10, LONG = 12 };
    if (z->size < LONG || memcmp(z->body, magic, VERSION) != 0)
        return damaged(z, "arr_0 is no array of NumPy's", err);
    bool longer = z->body[VERSION] > 1;
    size_t begin = longer ? LONG : SHORT, length = number(z->body + 8, longer ? 4 : 2);
    if (length > z->size - begin) return damaged(z, "the header of arr_0 ends early", err);
    char *dict = mem_alloc(length + 1, 1);
    if (!dict) return err_set(err, ERR_MEMORY, "%s: not enough memory for its header", z->path);
    memcpy(dict, z->body + begin, length);
    bool ok = check_array(z, dict, begin + length, out, err);
    mem_free(dict);
    return ok;
}

bool npz_read_images(const char *path, NpzImages *out, Err *err)
{
    Zip z = {.path = path};
    *out = (NpzImages){0};
    if (!file_read(path, most_bytes, &z.file, err)) return false;
    bool ok = open_member(&z, err) && read_array(&z, out, err);
    mem_free(z.inflated);
    file_free(&z.file);
    return ok;
}
