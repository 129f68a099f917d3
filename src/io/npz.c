#include "io/npz.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "base/fsio.h"

enum { NPY_ALIGN = 64, LOCAL_BYTES = 30, CENTRAL_BYTES = 46, END_BYTES = 22, MOST_NAME = 32 };

/* An array as a member of the zip. */
typedef struct {
    char name[MOST_NAME];
    unsigned char header[256]; /* of the .npy format */
    size_t header_bytes;
    const void *values;
    size_t bytes;
    uint32_t crc, size, place; /* place: of its local header in the file */
} Member;

/* The .npy header (format 1.0): magic, version, length, a Python dict, spaces up to a multiple of
 * 64, newline. shape: "3, 16, 16, 1" */
static void put_npy_header(Member *m, const char *type, const char *shape)
{
    char dict[160];
    int n = snprintf(dict, sizeof dict, "{'descr': '%s', 'fortran_order': False, 'shape': (%s), }",
                     type, shape);
    size_t size = (10 + (size_t)n + 1 + NPY_ALIGN - 1) / NPY_ALIGN * NPY_ALIGN;
    CHECK(size <= sizeof m->header);
    memset(m->header, ' ', size);
    memcpy(m->header, "\x93NUMPY\x01\x00", 8);
    m->header[8] = (unsigned char)((size - 10) & 255);
    m->header[9] = (unsigned char)((size - 10) >> 8);
    memcpy(m->header + 10, dict, (size_t)n);
    m->header[size - 1] = '\n';
    m->header_bytes = size;
}

static Member member_of(const char *name, const char *type, const char *shape, const void *values,
                        size_t bytes)
{
    Member m = {.values = values, .bytes = bytes};
    snprintf(m.name, sizeof m.name, "%s.npy", name);
    put_npy_header(&m, type, shape);
    m.size = (uint32_t)(m.header_bytes + bytes);
    m.crc = (uint32_t)crc32_z(crc32_z(0, m.header, m.header_bytes), values, bytes);
    return m;
}

typedef struct {
    unsigned char bytes[CENTRAL_BYTES + MOST_NAME];
    size_t size;
} Record;

static void put(Record *r, int width, uint32_t value)
{
    for (int i = 0; i < width; i++) r->bytes[r->size++] = (unsigned char)(value >> 8 * i);
}

/* What the local and the central header of the member share: version 2.0, no flags, stored, the
 * date 1980-01-01 (so that equal arrays make equal files), checksum, sizes, length of the name. */
static void put_member(Record *r, const Member *m)
{
    put(r, 2, 20);
    put(r, 2, 0);
    put(r, 2, 0);
    put(r, 2, 0);
    put(r, 2, 1 << 5 | 1);
    put(r, 4, m->crc);
    put(r, 4, m->size);
    put(r, 4, m->size);
    put(r, 2, (uint32_t)strlen(m->name));
    put(r, 2, 0);
}

static bool append_named(FileWriter *w, Record *r, const Member *m, Err *err)
{
    size_t length = strlen(m->name);
    memcpy(r->bytes + r->size, m->name, length);
    return file_writer_append(w, r->bytes, r->size + length, err);
}

static bool append_member(FileWriter *w, const Member *m, Err *err)
{
    Record local = {.size = 0};
    put(&local, 4, 0x04034b50);
    put_member(&local, m);
    return append_named(w, &local, m, err) &&
           file_writer_append(w, m->header, m->header_bytes, err) &&
           file_writer_append(w, m->values, m->bytes, err);
}

static bool append_entry(FileWriter *w, const Member *m, Err *err)
{
    Record central = {.size = 0};
    put(&central, 4, 0x02014b50);
    put(&central, 2, 20);
    put_member(&central, m);
    put(&central, 2, 0); /* comment, disk, attributes, place of the local header */
    put(&central, 2, 0);
    put(&central, 2, 0);
    put(&central, 4, 0);
    put(&central, 4, m->place);
    return append_named(w, &central, m, err);
}

static bool append_end(FileWriter *w, int count, uint32_t place, uint32_t bytes, Err *err)
{
    Record end = {.size = 0};
    put(&end, 4, 0x06054b50);
    put(&end, 4, 0);
    put(&end, 2, (uint32_t)count);
    put(&end, 2, (uint32_t)count);
    put(&end, 4, bytes);
    put(&end, 4, place);
    put(&end, 2, 0);
    return file_writer_append(w, end.bytes, end.size, err);
}

static bool write_members(const char *path, Member *members, int count, Err *err)
{
    FileWriter w;
    uint32_t place = 0, directory = 0;
    if (!output_open(&w, path, err)) return false;
    bool ok = true;
    for (int i = 0; i < count && ok; i++) {
        uint32_t name = (uint32_t)strlen(members[i].name);
        members[i].place = place;
        place += LOCAL_BYTES + name + members[i].size;
        directory += CENTRAL_BYTES + name;
        ok = append_member(&w, &members[i], err);
    }
    for (int i = 0; i < count && ok; i++) ok = append_entry(&w, &members[i], err);
    return ok && append_end(&w, count, place, directory, err) && file_writer_commit(&w, err);
}

/* What the headers take. */
enum { HEADERS = 1024 };

bool npz_check_size(const char *path, size_t count, size_t image_bytes, Err *err)
{
    if (image_bytes == 0 || count <= (UINT32_MAX - HEADERS) / image_bytes) return true;
    return err_set(err, ERR_USAGE,
                   "%s: an .npz file holds up to 4 GiB, which is %zu images of %zu bytes, not %zu; "
                   "write them in parts with --count and --seed",
                   path, (UINT32_MAX - HEADERS) / image_bytes, image_bytes, count);
}

bool npz_write_images(const char *path, const unsigned char *pixels, const int64_t *labels,
                      size_t count, int H, int W, int C, Err *err)
{
    Member members[2];
    char shape[96];
    size_t bytes = (size_t)H * (size_t)W * (size_t)C;
    if (!npz_check_size(path, count, bytes + (labels ? NPZ_LABEL_BYTES : 0), err)) return false;
    snprintf(shape, sizeof shape, "%zu, %d, %d, %d", count, H, W, C);
    members[0] = member_of("arr_0", "|u1", shape, pixels, count * bytes);
    snprintf(shape, sizeof shape, "%zu,", count);
    if (labels) members[1] = member_of("arr_1", "<i8", shape, labels, count * NPZ_LABEL_BYTES);
    return write_members(path, members, labels ? 2 : 1, err);
}

bool npz_write_numbers(const char *path, const NpzNumbers *arrays, int count, Err *err)
{
    Member members[NPZ_MOST_ARRAYS];
    size_t all = HEADERS;
    CHECK(count <= NPZ_MOST_ARRAYS);
    for (int i = 0; i < count; i++) {
        const NpzNumbers *a = &arrays[i];
        size_t numbers = a->shape[0] * (a->dims == 2 ? a->shape[1] : 1);
        char shape[64];
        if (a->dims == 2)
            snprintf(shape, sizeof shape, "%zu, %zu", a->shape[0], a->shape[1]);
        else
            snprintf(shape, sizeof shape, "%zu,", a->shape[0]);
        all += numbers * sizeof(double);
        if (all > UINT32_MAX)
            return err_set(err, ERR_USAGE,
                           "%s: an .npz file holds up to 4 GiB, and the arrays have more", path);
        members[i] = member_of(a->name, "<f8", shape, a->values, numbers * sizeof(double));
    }
    return write_members(path, members, count, err);
}
