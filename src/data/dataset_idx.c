/* IDX (the MNIST family): 00 00, type, rank, big-endian sizes, then the data. */
#include <stdio.h>
#include <string.h>

#include "base/file_kind.h"
#include "base/mem.h"
#include "base/text.h"
#include "data/data_stream.h"
#include "data/dataset_load.h"
#include "data/image_gate.h"

enum { TYPE_U8 = 0x08, MAX_RANK = 4, BLOCK_BYTES = 1 << 18 };

typedef struct {
    const char *path;
    int rank;
    uint32_t size[MAX_RANK];
    uint64_t data_bytes; /* declared */
} IdxHeader;

bool data_idx_is_start(const unsigned char *bytes, size_t size)
{
    return size >= 4 && bytes[0] == 0 && bytes[1] == 0 && bytes[2] >= 0x08 && bytes[2] <= 0x0E &&
           bytes[3] >= 1 && bytes[3] <= MAX_RANK;
}

static const char *type_name(int type)
{
    static const char *const names[] = {"unsigned bytes",  "signed bytes",    "unknown",
                                        "16-bit integers", "32-bit integers", "32-bit floats",
                                        "64-bit floats"};
    return type >= 0x08 && type <= 0x0E ? names[type - 0x08] : "unknown";
}

/* The declared sizes multiply without overflow and match the file as far as can be known before
 * reading: exactly for a plain file, within what gzip can pack for a packed one. */
static bool check_size(const DataStream *stream, IdxHeader *h, Err *err)
{
    enum { DEFLATE_RATIO = 1032 };
    h->data_bytes = 1;
    for (int i = 0; i < h->rank; i++) {
        if (h->size[i] == 0)
            return err_set(err, ERR_FORMAT, "%s: IDX dimension %d is 0, nothing to read", h->path,
                           i + 1);
        if (h->data_bytes > UINT64_MAX / 2 / h->size[i])
            return err_set(err, ERR_FORMAT, "%s: the IDX dimensions multiply to more than 2^63",
                           h->path);
        h->data_bytes *= h->size[i];
    }
    uint64_t header_bytes = 4 + 4 * (uint64_t)h->rank, file = data_stream_file_bytes(stream);
    if (data_stream_is_gzip(stream)) {
        if (h->data_bytes / DEFLATE_RATIO > file)
            return err_set(err, ERR_FORMAT,
                           "%s: its header declares %llu bytes, more than %llu bytes of gzip can "
                           "hold",
                           h->path, (unsigned long long)h->data_bytes, (unsigned long long)file);
    } else if (file - header_bytes != h->data_bytes) {
        return err_set(err, ERR_FORMAT, "%s: has %llu bytes of data, its header declares %llu",
                       h->path, (unsigned long long)(file - header_bytes),
                       (unsigned long long)h->data_bytes);
    }
    return true;
}

static bool refuse_start(DataStream *stream, const char *path, const unsigned char magic[4],
                         Err *err)
{
    unsigned char start[FILE_KIND_BYTES];
    size_t got;
    memcpy(start, magic, 4);
    return data_stream_read(stream, start + 4, sizeof start - 4, &got, err) &&
           file_kind_refuse(path, start, 4 + got, "IDX data", err);
}

static bool read_header(DataStream *stream, IdxHeader *h, int low_rank, int high_rank,
                        const char *expected, Err *err)
{
    unsigned char magic[4], sizes[4 * MAX_RANK];
    size_t got;
    if (!data_stream_read(stream, magic, 4, &got, err)) return false;
    if (got == 0) return err_set(err, ERR_FORMAT, "%s: is empty, expected IDX data", h->path);
    if (got < 4)
        return err_set(err, ERR_FORMAT, "%s: has %zu byte%s, an IDX header has more", h->path, got,
                       got == 1 ? "" : "s");
    if (magic[0] != 0 || magic[1] != 0) return refuse_start(stream, h->path, magic, err);
    if (magic[2] != TYPE_U8)
        return err_set(err, ERR_FORMAT,
                       "%s: holds IDX type 0x%02X (%s); only 0x08 (unsigned bytes) can be read",
                       h->path, magic[2], type_name(magic[2]));
    h->rank = magic[3];
    if (h->rank < low_rank || h->rank > high_rank)
        return err_set(err, ERR_FORMAT, "%s: has %d IDX dimension%s, expected %s", h->path, h->rank,
                       h->rank == 1 ? "" : "s", expected);
    if (!data_stream_read(stream, sizes, 4 * (size_t)h->rank, &got, err)) return false;
    if (got < 4 * (size_t)h->rank)
        return err_set(err, ERR_FORMAT, "%s: ends within its IDX header", h->path);
    for (int i = 0; i < h->rank; i++) h->size[i] = image_be32(sizes + 4 * i);
    return check_size(stream, h, err);
}

static bool read_exactly(DataStream *stream, const IdxHeader *h, void *out, size_t size,
                         uint64_t *done, Err *err)
{
    size_t got;
    if (!data_stream_read(stream, out, size, &got, err)) return false;
    *done += got;
    return got == size ||
           err_set(err, ERR_FORMAT, "%s: ends after %llu of the %llu bytes its header declares",
                   h->path, (unsigned long long)*done, (unsigned long long)h->data_bytes);
}

static bool read_end(DataStream *stream, const IdxHeader *h, Err *err)
{
    unsigned char one;
    size_t got;
    if (!data_stream_read(stream, &one, 1, &got, err)) return false;
    return got == 0 ||
           err_set(err, ERR_FORMAT, "%s: is longer than the %llu bytes that its header declares",
                   h->path, (unsigned long long)h->data_bytes);
}

/* The labels of the first d->count images, from a file that must hold one per image. */
static bool load_labels(DataJob *job, const char *path, uint32_t images)
{
    Dataset *d = job->d;
    IdxHeader h = {.path = path};
    DataStream *stream;
    if (!data_stream_open(&stream, path, job->err)) return false;
    bool ok = read_header(stream, &h, 1, 1, "1 (one label per image)", job->err);
    if (ok && h.size[0] != images)
        ok = err_set(job->err, ERR_FORMAT, "%s: has %u label%s for %u image%s", path, h.size[0],
                     h.size[0] == 1 ? "" : "s", images, images == 1 ? "" : "s");
    unsigned char block[4096];
    uint64_t done = 0;
    for (uint32_t i = 0, n; ok && i < images; i += n) {
        n = images - i < sizeof block ? images - i : (uint32_t)sizeof block;
        ok = read_exactly(stream, &h, block, n, &done, job->err);
        for (uint32_t k = 0; ok && k < n; k++) {
            if (i + k < d->count) d->labels[i + k] = block[k];
            if (block[k] >= d->classes) d->classes = block[k] + 1;
        }
    }
    ok = ok && read_end(stream, &h, job->err);
    data_stream_close(stream);
    return ok;
}

/* Replaces the last `from` in text by `to`, of the same length. */
static bool replace_last(char *text, const char *from, const char *to)
{
    char *last = NULL;
    for (char *p = strstr(text, from); p; p = strstr(p + 1, from)) last = p;
    if (last) memcpy(last, to, strlen(to));
    return last != NULL;
}

static bool is_file(const char *path)
{
    return path_exists(path) && !path_is_folder(path);
}

/* labels-idx1 beside images-idx3, packed or not; false when there is none, and *why then says so. */
static bool labels_path(const char *images, char *path, char *why, size_t size)
{
    const char *slash = strrchr(images, '/');
    size_t folder = slash ? (size_t)(slash + 1 - images) : 0;
    snprintf(path, PATH_BYTES, "%s", images);
    char *name = path + folder;
    snprintf(why, size, "the name of %.300s has no \"images\" to be replaced by \"labels\"",
             images);
    if (!replace_last(name, "images", "labels")) return false;
    if (!replace_last(name, "idx3", "idx1")) replace_last(name, "idx4", "idx1");
    snprintf(why, size, "there is no %.300s", path);
    if (is_file(path)) return true;
    size_t length = strlen(path);
    if (text_ends(path, ".gz"))
        path[length - 3] = '\0';
    else if (length + 3 < PATH_BYTES)
        memcpy(path + length, ".gz", 4);
    return is_file(path);
}

/* Images that need no change are unpacked where they belong, many at a time; the others, and those
 * beyond the limit (only the end tells that the file is whole), go through `block`. */
static bool load_images(DataJob *job, DataStream *stream, const IdxHeader *h)
{
    Dataset *d = job->d;
    Image image = {.height = (int)h->size[1],
                   .width = (int)h->size[2],
                   .channels = h->rank == 4 ? (int)h->size[3] : 1};
    size_t bytes = (size_t)image.height * (size_t)image.width * (size_t)image.channels;
    size_t wanted = data_limited(job, h->size[0]), at_once = (BLOCK_BYTES + bytes - 1) / bytes;
    bool as_stored =
        image.height == d->height && image.width == d->width && image.channels == d->channels;
    unsigned char *block = mem_alloc(at_once, bytes);
    bool ok =
        block != NULL || err_set(job->err, ERR_MEMORY,
                                 "%s: not enough memory for images of %zu bytes", h->path, bytes);
    uint64_t done = 0;
    for (size_t i = 0, n; ok && i < h->size[0]; i += n) {
        size_t end = i < wanted ? wanted : h->size[0];
        n = end - i < at_once ? end - i : at_once;
        bool direct = as_stored && i < wanted;
        ok = read_exactly(stream, h, direct ? d->pixels + i * bytes : block, n * bytes, &done,
                          job->err);
        if (ok && direct) d->count += n;
        for (size_t k = 0; ok && !direct && i < wanted && k < n; k++) {
            image.pixels = block + k * bytes;
            ok = data_store(job, &image, 0);
        }
        ok = ok && data_progress(job, i + n, h->size[0]);
    }
    mem_free(block);
    return ok && read_end(stream, h, job->err);
}

bool data_idx_load(DataJob *job, const char *path)
{
    IdxHeader h = {.path = path};
    DataStream *stream;
    job->format = "IDX";
    job->d->kind = DATA_IDX;
    if (!data_stream_open(&stream, path, job->err)) return false;
    char labels[PATH_BYTES];
    bool labelled = labels_path(path, labels, job->d->no_labels, sizeof job->d->no_labels);
    bool ok =
        read_header(stream, &h, 3, 4,
                    "3 (count, height, width) or 4 (count, height, width, channels)", job->err);
    if (ok && h.rank == 4 && h.size[3] != 1 && h.size[3] != 3)
        ok = err_set(job->err, ERR_FORMAT, "%s: has %u channels, expected 1 or 3", path, h.size[3]);
    ok = ok && image_gate_size(h.size[1], h.size[2], path, job->err) &&
         data_reserve(job, h.size[0], (int)h.size[1], (int)h.size[2],
                      h.rank == 4 ? (int)h.size[3] : 1, labelled) &&
         load_images(job, stream, &h);
    data_stream_close(stream);
    char folder[PATH_BYTES];
    path_parent(folder, path);
    return ok && (!labelled || load_labels(job, labels, h.size[0])) &&
           data_name_numbers(job, folder, "class_names.txt");
}

/* Length of an IDX images name without .gz, 0 for other names. */
static size_t stem_length(const char *name)
{
    static const char *const ends[] = {"images-idx3-ubyte", "images.idx3-ubyte",
                                       "images-idx4-ubyte", "images.idx4-ubyte"};
    enum { END_BYTES = sizeof "images-idx3-ubyte" - 1 };
    size_t length = strlen(name) - (text_ends(name, ".gz") ? 3 : 0);
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (length >= END_BYTES && memcmp(name + length - END_BYTES, ends[i], END_BYTES) == 0)
            return length;
    return 0;
}

static bool is_images(const char *folder, const char *name)
{
    return stem_length(name) > 0 && name[0] != '.' && data_is_file(folder, name);
}

static bool is_test(const char *name)
{
    return strstr(name, "t10k") || strstr(name, "test");
}

bool data_idx_has_test(const char *folder, const Names *names)
{
    for (size_t i = 0; i < names->count; i++)
        if (is_images(folder, names->names[i]) && is_test(names->names[i])) return true;
    return false;
}

bool data_idx_find(const DataJob *job, const Names *names, char *path, bool *found)
{
    const char *folder = job->options->path, *chosen = NULL;
    bool test_part = job->options->test_part;
    *found = false;
    for (size_t i = 0; i < names->count; i++) {
        const char *name = names->names[i];
        size_t length = stem_length(name);
        if (!is_images(folder, name)) continue;
        *found = true;
        if (is_test(name) != test_part) continue;
        /* Sorted by bytes, so the plain form of a name comes before its .gz. */
        if (chosen && stem_length(chosen) == length && memcmp(chosen, name, length) == 0) continue;
        if (chosen)
            return err_set(job->err, ERR_USAGE,
                           "%s: holds several data sets (%s and %s); name one of the files", folder,
                           chosen, name);
        chosen = name;
    }
    if (!*found) return true;
    if (!chosen)
        return err_set(job->err, ERR_IO, "%s: holds IDX files, but no %s-images-idx3-ubyte[.gz]",
                       folder, test_part ? "t10k" : "train");
    return path_join(path, folder, chosen, job->err);
}
