#include "data/data_cache.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include <zlib.h>

#include "base/fsio.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/term.h"
#include "base/text.h"

typedef struct {
    char magic[8];
    uint32_t version;
    uint32_t order; /* ORDER as the writer's machine stores it */
} Head;

typedef struct {
    DataCacheFacts facts;
    uint32_t sum; /* of the head, the checksums, the numbers left out and the facts */
    uint32_t zero;
} Foot;

static const Head own_head = {
    .magic = "diffcpix", .version = DATA_CACHE_VERSION, .order = 0x01020304};
_Static_assert(sizeof(Head) == 16 && sizeof(Foot) == 48, "the file's structs have no gaps");

struct DataCache {
    int fd;
    char *path;
    size_t bytes; /* of an image */
    DataCacheFacts facts;
    uint32_t *tables; /* checksums [count], then the numbers left out */
};

static uint32_t sum_of(uint32_t sum, const void *bytes, size_t size)
{
    return size ? (uint32_t)crc32_z(sum, bytes, size) : sum; /* zlib starts anew at NULL */
}

static size_t image_bytes(const DataCacheFacts *f)
{
    return (size_t)f->height * f->width * f->channels;
}

static uint32_t foot_sum(const DataCacheFacts *f, const uint32_t *sums, const uint32_t *left_out)
{
    uint32_t sum = sum_of(0, &own_head, sizeof own_head);
    sum = sum_of(sum, sums, (size_t)f->count * sizeof *sums);
    sum = sum_of(sum, left_out, (size_t)f->left_out * sizeof *left_out);
    return sum_of(sum, f, sizeof *f);
}

/* ---- reading ---- */

/* *got: fewer bytes only where the file ends. */
static bool read_at(int fd, void *out, size_t size, uint64_t place, size_t *got)
{
    for (*got = 0; *got < size;) {
        ssize_t part = pread(fd, (char *)out + *got, size - *got, (off_t)(place + *got));
        if (part < 0 && errno == EINTR) continue;
        if (part < 0) return false;
        if (part == 0) break;
        *got += (size_t)part;
    }
    return true;
}

static bool read_whole(const DataCache *c, void *out, size_t size, uint64_t place, Err *why)
{
    size_t got;
    if (!read_at(c->fd, out, size, place, &got))
        return err_set_errno(why, "%s: cannot read", c->path);
    return got == size || err_set(why, ERR_FORMAT, "%s: is damaged", c->path);
}

/* Whether the facts explain the file's size; what they say is then small enough to be read. */
static bool explains(const DataCacheFacts *f, uint64_t size)
{
    if (f->height < 1 || f->height > IMAGE_MAX_SIDE || f->width < 1 || f->width > IMAGE_MAX_SIDE ||
        f->channels < 1 || f->channels > IMAGE_MAX_CHANNELS || f->count < 1 ||
        f->count > UINT32_MAX || f->left_out > UINT32_MAX)
        return false;
    return size == sizeof(Head) + sizeof(Foot) + f->left_out * sizeof(uint32_t) +
                       f->count * (image_bytes(f) + sizeof(uint32_t));
}

static bool read_facts(DataCache *c, uint64_t source, Err *why)
{
    Head head;
    Foot foot;
    struct stat st;
    if (fstat(c->fd, &st) != 0) return err_set_errno(why, "%s: cannot read its size", c->path);
    uint64_t size = (uint64_t)st.st_size;
    if (!S_ISREG(st.st_mode) || size < sizeof head + sizeof foot)
        return err_set(why, ERR_FORMAT, "%s: is damaged", c->path);
    if (!read_whole(c, &head, sizeof head, 0, why) ||
        !read_whole(c, &foot, sizeof foot, size - sizeof foot, why))
        return false;
    if (memcmp(head.magic, own_head.magic, sizeof head.magic) != 0)
        return err_set(why, ERR_FORMAT, "%s: is no file of decoded images", c->path);
    if (head.order != own_head.order)
        return err_set(why, ERR_FORMAT, "%s: was made on a machine of another byte order", c->path);
    if (head.version != own_head.version)
        return err_set(why, ERR_FORMAT, "%s: has version %u, this program writes version %u",
                       c->path, head.version, own_head.version);
    if (!explains(&foot.facts, size)) return err_set(why, ERR_FORMAT, "%s: is damaged", c->path);
    c->facts = foot.facts;
    c->bytes = image_bytes(&c->facts);
    size_t numbers = (size_t)(c->facts.count + c->facts.left_out);
    c->tables = mem_alloc(numbers, sizeof *c->tables);
    if (!c->tables)
        return err_set(why, ERR_MEMORY, "%s: not enough memory for its %zu checksums", c->path,
                       numbers);
    if (!read_whole(c, c->tables, numbers * sizeof *c->tables,
                    sizeof head + c->facts.count * c->bytes, why))
        return false;
    if (foot.zero != 0 || foot.sum != foot_sum(&c->facts, c->tables, data_cache_left_out(c)))
        return err_set(why, ERR_FORMAT, "%s: is damaged", c->path);
    return c->facts.source == source ||
           err_set(why, ERR_FORMAT, "%s: the pictures have changed since it was made", c->path);
}

bool data_cache_open(DataCache **cache, const char *path, uint64_t source, Err *why)
{
    DataCache *c = *cache = NULL;
    *why = (Err){0};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return errno != ENOENT && err_set_errno(why, "%s: cannot open", path);
    c = mem_alloc(1, sizeof *c);
    if (c) *c = (DataCache){.fd = fd, .path = strdup(path)};
    if (!c || !c->path) {
        err_set(why, ERR_MEMORY, "%s: not enough memory to open it", path);
        if (!c) close(fd);
    } else if (read_facts(c, source, why)) {
        *cache = c;
        return true;
    }
    data_cache_close(c);
    return false;
}

void data_cache_close(DataCache *c)
{
    if (!c) return;
    close(c->fd);
    free(c->path);
    mem_free(c->tables);
    mem_free(c);
}

const DataCacheFacts *data_cache_facts(const DataCache *c)
{
    return &c->facts;
}

const uint32_t *data_cache_checksums(const DataCache *cache)
{
    return cache->tables;
}

const uint32_t *data_cache_left_out(const DataCache *c)
{
    return c->tables + c->facts.count;
}

const char *data_cache_path(const DataCache *c)
{
    return c->path;
}

bool data_cache_read(const DataCache *c, size_t i, unsigned char *pixels, Err *err)
{
    size_t got;
    CHECK(i < c->facts.count);
    if (!read_at(c->fd, pixels, c->bytes, sizeof(Head) + (uint64_t)i * c->bytes, &got))
        return err_set_errno(err, "%s: cannot read decoded image %zu", c->path, i);
    if (got < c->bytes)
        return err_set(err, ERR_IO,
                       "%s: was cut short while it was in use: decoded image %zu is missing (the "
                       "next start makes the file anew)",
                       c->path, i);
    return sum_of(0, pixels, c->bytes) == c->tables[i] ||
           err_set(err, ERR_FORMAT,
                   "%s: is damaged: decoded image %zu is not as it was written; delete the file, "
                   "and the next start makes it anew",
                   c->path, i);
}

/* ---- writing ---- */

struct DataCacheWriter {
    FileWriter file;
    DataCacheFacts facts;
    unsigned char *image;
    uint32_t *sums;
    size_t room;
};

/* Temporary files of writers that have died, whichever source they were for. */
static bool is_cache(const void *context, const char *name)
{
    (void)context;
    return text_ends(name, DATA_CACHE_SUFFIX);
}

static bool check_room(const char *folder, const DataCacheFacts *f, size_t most, Err *err)
{
    struct statvfs disk;
    char needed[16], there[16];
    if (statvfs(folder, &disk) != 0) return true; /* writing will tell */
    double bytes = (double)most * (double)(image_bytes(f) + sizeof(uint32_t));
    double room = (double)disk.f_bavail * (double)disk.f_frsize;
    if (bytes <= room) return true;
    term_format_bytes(needed, bytes);
    term_format_bytes(there, room);
    return err_set(err, ERR_IO,
                   "%s: has no room for the decoded images: they need %s, and %s are free", folder,
                   needed, there);
}

bool data_cache_begin(DataCacheWriter **writer, const char *path, const DataCacheFacts *facts,
                      size_t most, Err *err)
{
    char folder[PATH_BYTES];
    path_parent(folder, path);
    *writer = NULL;
    if (!folder_make(folder, err)) return false;
    leftovers_remove(folder, is_cache, NULL);
    if (!check_room(folder, facts, most, err)) return false;
    DataCacheWriter *w = mem_alloc(1, sizeof *w);
    if (w) w->file.fd = -1;
    if (w) w->image = mem_alloc(image_bytes(facts), 1);
    bool ok = (w && w->image) || err_set(err, ERR_MEMORY, "%s: not enough memory to make it", path);
    ok = ok && file_writer_open(&w->file, path, err) &&
         file_writer_append(&w->file, &own_head, sizeof own_head, err);
    if (!ok) {
        data_cache_abort(w);
        return false;
    }
    w->facts = *facts;
    *writer = w;
    return true;
}

unsigned char *data_cache_image(DataCacheWriter *w)
{
    return w->image;
}

bool data_cache_add(DataCacheWriter *w, Err *err)
{
    size_t bytes = image_bytes(&w->facts);
    uint32_t *sums = mem_room(w->sums, (size_t)w->facts.count, &w->room, sizeof *sums);
    if (!sums)
        return err_set(err, ERR_MEMORY, "%s: not enough memory for its checksums", w->file.path);
    w->sums = sums;
    sums[w->facts.count++] = sum_of(0, w->image, bytes);
    return file_writer_append(&w->file, w->image, bytes, err);
}

bool data_cache_finish(DataCacheWriter *w, uint32_t sizes, const uint32_t *left_out,
                       size_t left_out_count, Err *err)
{
    w->facts.sizes = sizes;
    w->facts.left_out = left_out_count;
    Foot foot = {.facts = w->facts, .sum = foot_sum(&w->facts, w->sums, left_out)};
    bool ok =
        file_writer_append(&w->file, w->sums, (size_t)w->facts.count * sizeof *w->sums, err) &&
        file_writer_append(&w->file, left_out, left_out_count * sizeof *left_out, err) &&
        file_writer_append(&w->file, &foot, sizeof foot, err) && file_writer_commit(&w->file, err);
    data_cache_abort(w);
    return ok;
}

void data_cache_abort(DataCacheWriter *w)
{
    if (!w) return;
    file_writer_abort(&w->file);
    mem_free(w->image);
    free(w->sums);
    mem_free(w);
}
