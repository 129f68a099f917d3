#include "io/zip_member.h"

#include <string.h>
#include <zlib.h>

#include "base/file_kind.h"
#include "base/mem.h"

enum {
    LOCAL_BYTES = 30,
    CENTRAL_BYTES = 46,
    END_BYTES = 22,
    MOST_COMMENT = 65535,
    STORED = 0,
    DEFLATED = 8,
};
static const size_t most_bytes = UINT32_MAX;

/* A member as its directory entry describes it. */
typedef struct {
    const char *name;
    const unsigned char *body;
    size_t packed, size; /* its bytes as stored, and inflated */
    uint32_t crc;
    int method;
} Entry;

bool zip_damaged(const Zip *z, const char *what, Err *err)
{
    return err_set(err, ERR_FORMAT, "%s: is a damaged .npz file: %s", z->path, what);
}

/* The end record and the comment behind it, which ends the file; NULL: there is none. */
static const unsigned char *find_end(const FileBytes *f)
{
    for (size_t comment = 0; comment <= MOST_COMMENT && END_BYTES + comment <= f->size; comment++) {
        const unsigned char *end = f->bytes + f->size - comment - END_BYTES;
        if (zip_number(end, 4) == 0x06054b50 && zip_number(end + 20, 2) == comment) return end;
    }
    return NULL;
}

bool zip_open(Zip *z, const char *path, Err *err)
{
    *z = (Zip){.path = path};
    if (!file_read(path, most_bytes, &z->file, err)) return false;
    const unsigned char *bytes = z->file.bytes;
    if (z->file.size < 4 || zip_number(bytes, 2) != 0x4b50)
        return file_kind_refuse(path, bytes, z->file.size, "an .npz file", err);
    z->end = find_end(&z->file);
    return z->end || zip_damaged(z, "its directory is missing", err);
}

void zip_close(Zip *z)
{
    file_free(&z->file);
}

static bool read_entry(const Zip *z, const unsigned char *entry, Entry *e, Err *err)
{
    size_t local = zip_number(entry + 42, 4), file = z->file.size;
    e->method = (int)zip_number(entry + 10, 2);
    e->crc = zip_number(entry + 16, 4);
    e->packed = zip_number(entry + 20, 4);
    e->size = zip_number(entry + 24, 4);
    if (zip_number(entry + 8, 2) & 1)
        return err_set(err, ERR_FORMAT, "%s: %s is encrypted", z->path, e->name);
    if (e->packed == UINT32_MAX || e->size == UINT32_MAX || local == UINT32_MAX)
        return err_set(err, ERR_FORMAT, "%s: %s has more than 4 GiB, the most that is read",
                       z->path, e->name);
    if (local > file || file - local < LOCAL_BYTES ||
        zip_number(z->file.bytes + local, 4) != 0x04034b50)
        return zip_damaged(z, "its directory points to no member", err);
    size_t start = local + LOCAL_BYTES + zip_number(z->file.bytes + local + 26, 2) +
                   zip_number(z->file.bytes + local + 28, 2);
    if (start > file || file - start < e->packed)
        return zip_damaged(z, "its member is longer than the file", err);
    e->body = z->file.bytes + start;
    return true;
}

/* *found stays false where there is no such entry. */
static bool find_entry(const Zip *z, bool *found, Entry *e, Err *err)
{
    const unsigned char *bytes = z->file.bytes;
    size_t size = z->file.size, length = strlen(e->name);
    size_t entries = zip_number(z->end + 10, 2), at = zip_number(z->end + 16, 4);
    for (size_t i = 0; i < entries; i++) {
        if (at > size || size - at < CENTRAL_BYTES || zip_number(bytes + at, 4) != 0x02014b50)
            return zip_damaged(z, "its directory ends early", err);
        size_t name = zip_number(bytes + at + 28, 2);
        size_t rest = name + zip_number(bytes + at + 30, 2) + zip_number(bytes + at + 32, 2);
        if (size - at - CENTRAL_BYTES < rest)
            return zip_damaged(z, "its directory ends early", err);
        if (name == length && memcmp(bytes + at + CENTRAL_BYTES, e->name, name) == 0) {
            *found = true;
            return read_entry(z, bytes + at, e, err);
        }
        at += CENTRAL_BYTES + rest;
    }
    return true;
}

static bool inflate_entry(const Zip *z, const Entry *e, ZipMember *out, Err *err)
{
    out->inflated = mem_alloc(e->size, 1);
    if (!out->inflated)
        return err_set(err, ERR_MEMORY, "%s: not enough memory for %zu bytes", z->path, e->size);
    z_stream s = {.next_in = (Bytef *)(size_t)e->body,
                  .avail_in = (uInt)e->packed,
                  .next_out = out->inflated,
                  .avail_out = (uInt)e->size};
    int made = inflateInit2(&s, -MAX_WBITS);
    if (made != Z_OK) return err_set(err, ERR_MEMORY, "%s: not enough memory to inflate", z->path);
    int end = inflate(&s, Z_FINISH);
    inflateEnd(&s);
    if (end == Z_MEM_ERROR)
        return err_set(err, ERR_MEMORY, "%s: not enough memory to inflate", z->path);
    if (end != Z_STREAM_END || s.avail_out > 0)
        return zip_damaged(z, "its member cannot be inflated", err);
    out->bytes = out->inflated;
    return true;
}

bool zip_member(const Zip *z, const char *name, bool *found, ZipMember *out, Err *err)
{
    Entry e = {.name = name};
    *out = (ZipMember){.bytes = NULL};
    *found = false;
    if (!find_entry(z, found, &e, err)) return false;
    if (!*found) return true;
    out->bytes = e.body;
    out->size = e.size;
    if (e.method == DEFLATED) {
        if (!inflate_entry(z, &e, out, err)) return false;
    } else if (e.method != STORED) {
        return err_set(err, ERR_FORMAT,
                       "%s: %s is packed by method %d; stored and deflated are read", z->path, name,
                       e.method);
    } else if (e.packed != e.size) {
        return zip_damaged(z, "its member has two sizes", err);
    }
    return (uint32_t)crc32_z(0, out->bytes, out->size) == e.crc ||
           zip_damaged(z, "the checksum of its array is another", err);
}

void zip_member_free(ZipMember *m)
{
    mem_free(m->inflated);
}
