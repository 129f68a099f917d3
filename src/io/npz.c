#include "io/npz.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "base/fsio.h"

enum { NPY_ALIGN = 64, LOCAL_BYTES = 30, CENTRAL_BYTES = 46, END_BYTES = 22 };
static const char member[] = "arr_0.npy";
enum { MEMBER_BYTES = sizeof member - 1 };

/* The .npy header (format 1.0): magic, version, length, a Python dict, spaces up to a multiple of
 * 64, newline. Returns its size. */
static size_t npy_header(unsigned char *out, size_t room, size_t count, int H, int W, int C)
{
    char dict[160];
    int n = snprintf(dict, sizeof dict,
                     "{'descr': '|u1', 'fortran_order': False, 'shape': (%zu, %d, %d, %d), }",
                     count, H, W, C);
    size_t size = (10 + (size_t)n + 1 + NPY_ALIGN - 1) / NPY_ALIGN * NPY_ALIGN;
    CHECK(size <= room);
    memset(out, ' ', size);
    memcpy(out, "\x93NUMPY\x01\x00", 8);
    out[8] = (unsigned char)((size - 10) & 255);
    out[9] = (unsigned char)((size - 10) >> 8);
    memcpy(out + 10, dict, (size_t)n);
    out[size - 1] = '\n';
    return size;
}

typedef struct {
    unsigned char bytes[CENTRAL_BYTES + MEMBER_BYTES];
    size_t size;
} Record;

static void put(Record *r, int width, uint32_t value)
{
    for (int i = 0; i < width; i++) r->bytes[r->size++] = (unsigned char)(value >> 8 * i);
}

/* What the local and the central header of the member share: version 2.0, no flags, stored, the
 * date 1980-01-01 (so that equal images make equal files), checksum, sizes, length of the name. */
static void put_member(Record *r, uint32_t crc, uint32_t size)
{
    put(r, 2, 20);
    put(r, 2, 0);
    put(r, 2, 0);
    put(r, 2, 0);
    put(r, 2, 1 << 5 | 1);
    put(r, 4, crc);
    put(r, 4, size);
    put(r, 4, size);
    put(r, 2, MEMBER_BYTES);
    put(r, 2, 0);
}

static bool append_member_name(FileWriter *w, Record *r, Err *err)
{
    memcpy(r->bytes + r->size, member, MEMBER_BYTES);
    return file_writer_append(w, r->bytes, r->size + MEMBER_BYTES, err);
}

static bool append_directory(FileWriter *w, uint32_t crc, uint32_t size, Err *err)
{
    Record central = {.size = 0}, end = {.size = 0};
    put(&central, 4, 0x02014b50);
    put(&central, 2, 20);
    put_member(&central, crc, size);
    put(&central, 2, 0); /* comment, disk, attributes, place of the local header */
    put(&central, 2, 0);
    put(&central, 2, 0);
    put(&central, 4, 0);
    put(&central, 4, 0);
    put(&end, 4, 0x06054b50);
    put(&end, 4, 0);
    put(&end, 2, 1);
    put(&end, 2, 1);
    put(&end, 4, CENTRAL_BYTES + MEMBER_BYTES);
    put(&end, 4, LOCAL_BYTES + MEMBER_BYTES + size);
    put(&end, 2, 0);
    return append_member_name(w, &central, err) && file_writer_append(w, end.bytes, end.size, err);
}

bool npz_check_size(const char *path, size_t count, size_t image_bytes, Err *err)
{
    enum { HEADERS = 1024 };
    if (image_bytes == 0 || count <= (UINT32_MAX - HEADERS) / image_bytes) return true;
    return err_set(err, ERR_USAGE,
                   "%s: an .npz file holds up to 4 GiB, which is %zu images of %zu bytes, not %zu; "
                   "write them in parts with --count and --seed",
                   path, (UINT32_MAX - HEADERS) / image_bytes, image_bytes, count);
}

bool npz_write_images(const char *path, const unsigned char *pixels, size_t count, int H, int W,
                      int C, Err *err)
{
    size_t pixel_bytes = count * (size_t)H * (size_t)W * (size_t)C;
    unsigned char header[256];
    size_t header_bytes = npy_header(header, sizeof header, count, H, W, C);
    if (!npz_check_size(path, count, (size_t)H * (size_t)W * (size_t)C, err)) return false;
    uint32_t size = (uint32_t)(header_bytes + pixel_bytes);
    uint32_t crc = (uint32_t)crc32_z(crc32_z(0, header, header_bytes), pixels, pixel_bytes);
    FileWriter w;
    if (!output_open(&w, path, err)) return false;
    Record local = {.size = 0};
    put(&local, 4, 0x04034b50);
    put_member(&local, crc, size);
    return append_member_name(&w, &local, err) &&
           file_writer_append(&w, header, header_bytes, err) &&
           file_writer_append(&w, pixels, pixel_bytes, err) &&
           append_directory(&w, crc, size, err) && file_writer_commit(&w, err);
}
