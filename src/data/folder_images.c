#include "data/folder_images.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/parallel.h"
#include "data/data_cache.h"

const char *folder_image_name(const FolderImages *f, size_t i)
{
    return f->search->files.names[(uint64_t)i * f->search->files.count / f->wanted];
}

/* ---- decoding ---- */

/* Of the size that the options give, unless somebody looks at it. */
typedef struct {
    Image image;
    int height, width; /* as stored */
    bool ok;
    Err bad;
} Decoded;

static void decode(const FolderImages *f, size_t i, Decoded *d)
{
    char path[PATH_BYTES];
    const DataOptions *o = f->job->options;
    *d = (Decoded){0};
    d->ok = path_join(path, f->search->root, folder_image_name(f, i), &d->bad) &&
            image_load(path, o->config.channels, &d->image, &d->bad);
    d->height = d->image.height;
    d->width = d->image.width;
    Image fitted;
    if (!d->ok || o->look || !data_needs_fit(o, &d->image)) return;
    d->ok = image_resize_crop(&d->image, o->config.height, o->config.width, &fitted, &d->bad);
    image_free(&d->image);
    if (d->ok) d->image = fitted;
}

/* The path of the image that was stored last, within the folder that the user named. */
static bool keep_name(const FolderImages *f, const char *relative)
{
    DataJob *job = f->job;
    Dataset *d = job->d;
    char path[PATH_BYTES];
    const char *part = f->search->part;
    if (job->writer) return true;
    if (part && !path_join(path, part, relative, job->err)) return false;
    if (!d->files) d->files = mem_alloc(f->wanted, sizeof *d->files);
    char *copy = d->files ? strdup(part ? path : relative) : NULL;
    if (copy) d->files[d->count - 1] = copy;
    return copy || folder_search_memory(f->search);
}

static bool leave_out(const FolderImages *f, size_t i, const Err *reason)
{
    DataJob *job = f->job;
    if (!data_bad_image(job, reason)) return false;
    uint32_t *list =
        mem_room(job->left_out, job->left_out_count, &job->left_out_room, sizeof *list);
    if (!list) return folder_search_memory(f->search);
    job->left_out = list;
    list[job->left_out_count++] = (uint32_t)i;
    return true;
}

static bool store(const FolderImages *f, size_t i, Decoded *d)
{
    DataJob *job = f->job;
    const Image *image = &d->image;
    if (!d->ok && d->bad.kind == ERR_MEMORY) decode(f, i, d); /* alone it may find enough */
    if (!d->ok) return leave_out(f, i, &d->bad);
    int label = f->labels ? f->labels[i] : 0;
    job->file = folder_image_name(f, i);
    return (job->room > 0 || data_reserve(job, f->search->files.count, d->height, d->width,
                                          image->channels, f->labels != NULL)) &&
           (job->options->look ? data_store(job, image, label)
                               : data_keep(job, image, d->height, d->width, label)) &&
           keep_name(f, job->file);
}

/* Images that are decoded side by side and then stored one after the other: enough of them that threads seldom wait,
 * few enough that their pixels are no load. Those that are looked at have their full size. */
static size_t block_size(const DataJob *job)
{
    enum { USUAL = 64 };
    size_t threads = (size_t)parallel_threads();
    return job->options->look || threads > USUAL ? threads : USUAL;
}

static bool read_block(const FolderImages *f, Decoded *block, size_t first, size_t count)
{
    DataJob *job = f->job;
#pragma omp parallel for schedule(dynamic) num_threads(parallel_threads())
    for (size_t i = 0; i < count; i++)
        if (!interrupt_requested()) decode(f, first + i, &block[i]);
    bool ok = data_progress(job, first, 0);
    for (size_t i = 0; i < count; i++) {
        ok = ok && store(f, first + i, &block[i]) && data_progress(job, first + i + 1, f->wanted);
        image_free(&block[i].image);
    }
    return ok;
}

static bool decode_all(const FolderImages *f)
{
    DataJob *job = f->job;
    size_t most = block_size(job);
    Decoded *block = mem_alloc(most, sizeof *block);
    bool ok = block || folder_search_memory(f->search);
    for (size_t first = 0; ok && first < f->wanted; first += most)
        ok = read_block(f, block, first, f->wanted - first < most ? f->wanted - first : most);
    mem_free(block);
    if (ok && job->d->count == 0)
        ok = err_set(job->err, ERR_FORMAT,
                     f->wanted == 1 ? "%s: its %zu image cannot be decoded"
                                    : "%s: none of its %zu images can be decoded",
                     f->search->root, f->wanted);
    return ok;
}

/* ---- the file of decoded images ---- */

/* Any file system takes these; other characters become _. */
static void make_plain(char *name)
{
    for (; *name; name++)
        if (!isalnum((unsigned char)*name) && !strchr("._-", *name)) *name = '_';
}

/* What the images come from, as a number, and FOLDER/NAME-HASH.cache: another file for each folder of images and each
 * way to read it. */
static bool name_source(const FolderImages *f)
{
    DataJob *job = f->job;
    const DataOptions *o = job->options;
    const DataConfig *c = o->cache.named_by ? o->cache.named_by : &o->config;
    const int reading[] = {c->height, c->width, c->channels, c->limit};
    char name[128];
    job->file_bytes = f->search->bytes / f->search->files.count * f->wanted;
    job->source = f->search->state + bytes_hash(BYTES_HASH_START, reading, sizeof reading);
    if (!o->cache.folder || o->look) return true;
    char *root = realpath(f->search->root, NULL), *folder = realpath(o->path, NULL);
    bool ok = root && folder;
    if (ok) {
        uint64_t hash = bytes_hash(BYTES_HASH_START, root, strlen(root));
        hash = bytes_hash(hash, reading, sizeof reading);
        snprintf(name, sizeof name, "%.80s-%08x" DATA_CACHE_SUFFIX, strrchr(folder, '/') + 1,
                 (unsigned)(hash ^ hash >> 32));
        make_plain(name);
    }
    ok = ok ? path_join(job->cache_path, o->cache.folder, name, job->err)
            : err_set_errno(job->err, "%s: cannot be found", f->search->root);
    free(root);
    free(folder);
    return ok;
}

/* Those left out are tried again, because what kept them from being read may have gone (*readable), and their reasons
 * are listed anew. */
static bool try_left_out(const FolderImages *f, const DataCache *cache, bool *readable)
{
    const uint32_t *left_out = data_cache_left_out(cache);
    for (uint64_t i = 0; i < data_cache_facts(cache)->left_out && !*readable; i++) {
        Decoded d;
        if (left_out[i] >= f->wanted) return *readable = true;
        decode(f, left_out[i], &d);
        image_free(&d.image);
        *readable = d.ok;
        if (!d.ok && !data_bad_image(f->job, &d.bad)) return false;
        if (!data_progress(f->job, 0, 0)) return false;
    }
    return true;
}

/* What decoding would have put into the data set. */
static bool take_facts(const FolderImages *f, const DataCache *cache)
{
    DataJob *job = f->job;
    Dataset *d = job->d;
    const DataOptions *o = job->options;
    const DataCacheFacts *c = data_cache_facts(cache);
    const uint32_t *left_out = data_cache_left_out(cache);
    d->height = (int)c->height;
    d->width = (int)c->width;
    d->channels = (int)c->channels;
    d->found = f->search->files.count;
    d->checksum = c->sizes;
    if (o->config.height == 0 && o->size_fits &&
        !o->size_fits(o->size_context, d->height, d->width, job->err))
        return false;
    if (f->labels && !(d->labels = mem_alloc((size_t)c->count, 1)))
        return folder_search_memory(f->search);
    size_t count = 0;
    for (size_t i = 0, next = 0; i < f->wanted && count < c->count; i++) {
        if (next < c->left_out && left_out[next] == i)
            next++;
        else if (f->labels)
            d->labels[count++] = f->labels[i];
        else
            count++;
    }
    d->count = count;
    return true;
}

static bool is_as_wanted(const FolderImages *f, const DataCacheFacts *c)
{
    const DataConfig *o = &f->job->options->config;
    return c->count + c->left_out == f->wanted &&
           (o->height == 0 ||
            (c->height == (uint32_t)o->height && c->width == (uint32_t)o->width)) &&
           (o->channels == 0 || c->channels == (uint32_t)o->channels);
}

/* Takes the images from the file where it fits; d->cache tells. */
static bool find_cache(const FolderImages *f)
{
    DataJob *job = f->job;
    Dataset *d = job->d;
    DataCache *cache;
    Err *why = &job->unfit;
    if (!job->cache_path[0]) return true;
    bool readable = false, fits = data_cache_open(&cache, job->cache_path, job->source, why);
    bool ok = !fits || try_left_out(f, cache, &readable);
    const DataCacheFacts *c = fits ? data_cache_facts(cache) : NULL;
    if (fits && (readable || !is_as_wanted(f, c))) {
        err_set(why, ERR_FORMAT, "%s: the pictures have changed since it was made",
                job->cache_path);
        fits = false;
    }
    if (ok && fits) ok = take_facts(f, cache);
    if (ok && fits) {
        d->cache = cache;
        d->on_disk = true;
        return true;
    }
    data_cache_close(cache);
    return ok;
}

/* Ends the file that decoding has written, and reads from it from here on. */
static bool end_cache(const FolderImages *f)
{
    DataJob *job = f->job;
    Dataset *d = job->d;
    Err why = {0}, other;
    if (!job->writer) return true;
    bool written =
        data_cache_finish(job->writer, d->checksum, job->left_out, job->left_out_count, &why);
    job->writer = NULL;
    if (data_cache_open(&d->cache, job->cache_path, job->source, &other)) return true;
    return data_cache_failed(job, written ? &other : &why);
}

/* As it was before the images, but for what has been learnt. */
static void start_again(DataJob *job, size_t skipped, size_t list_length)
{
    Dataset *d = job->d;
    data_cache_abort(job->writer);
    job->writer = NULL;
    job->again = false;
    job->room = job->left_out_count = 0;
    dataset_free_images(d);
    d->checksum = 0;
    d->skipped = skipped;
    if (d->skipped_list) d->skipped_list[list_length] = '\0';
    if (d->skipped_list && list_length == 0) {
        free(d->skipped_list);
        d->skipped_list = NULL;
    }
}

bool folder_images_read(FolderImages *f)
{
    DataJob *job = f->job;
    Dataset *d = job->d;
    size_t skipped = d->skipped, length = d->skipped_list ? strlen(d->skipped_list) : 0;
    bool ok = name_source(f) && find_cache(f);
    if (!ok || d->cache) return ok;
    do {
        start_again(job, skipped, length);
        ok = decode_all(f) && end_cache(f);
    } while (!ok && job->again);
    data_cache_abort(job->writer);
    job->writer = NULL;
    free(job->left_out);
    job->left_out = NULL;
    if (ok || !d->cache_failed || job->err->kind != ERR_MEMORY) return ok;
    Err said = *job->err;
    return err_set(job->err, said.kind, "%.500s; %.500s", said.text, d->cache_note);
}
