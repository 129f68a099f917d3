/* What the loaders share: memory for the images, storing them, and the words about what was read. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/term.h"
#include "base/text.h"
#include "data/dataset_load.h"
#include "data/image_gate.h"

size_t data_limited(const DataJob *job, uint64_t count)
{
    int limit = job->options->config.limit;
    return limit > 0 && (uint64_t)limit < count ? (size_t)limit : (size_t)count;
}

/* ---- room, in memory or in a file ---- */

/* Whether the images, or their files, are more than memory should hold or a start should decode. */
static bool wants_cache(const DataJob *job, size_t room)
{
    const Dataset *d = job->d;
    uint64_t image_bytes = (uint64_t)d->height * (uint64_t)d->width * (uint64_t)d->channels;
    uint64_t decoded = room * image_bytes, least = job->options->cache.least_bytes;
    return job->cache_path[0] && !d->cache_failed && (decoded > least || job->file_bytes > least);
}

static void note_failure(DataJob *job, const Err *why)
{
    Dataset *d = job->d;
    snprintf(d->cache_note, sizeof d->cache_note,
             "%.900s; the decoded images are held in memory instead, and the next run decodes "
             "them again",
             why->text);
    d->cache_failed = true;
    d->on_disk = false;
}

bool data_cache_failed(DataJob *job, const Err *why)
{
    note_failure(job, why);
    job->again = true;
    return false;
}

/* Images go into a file where one is wanted and can be made. */
static void begin_cache(DataJob *job, size_t room)
{
    Dataset *d = job->d;
    Err why = {0};
    if (!wants_cache(job, room)) return;
    d->on_disk = true;
    if (job->options->cache.read_only) return;
    const DataCacheFacts facts = {.source = job->source,
                                  .height = (uint32_t)d->height,
                                  .width = (uint32_t)d->width,
                                  .channels = (uint32_t)d->channels};
    if (!data_cache_begin(&job->writer, job->cache_path, &facts, room, &why))
        note_failure(job, &why);
    else if (job->unfit.kind != ERR_NONE)
        snprintf(d->cache_note, sizeof d->cache_note, "%.900s; it is made anew", job->unfit.text);
}

bool data_reserve(DataJob *job, uint64_t count, int height, int width, int channels, bool labels)
{
    Dataset *d = job->d;
    const DataOptions *o = job->options;
    size_t room = data_limited(job, count);
    d->height = o->config.height ? o->config.height : height;
    d->width = o->config.width ? o->config.width : width;
    d->channels = o->config.channels ? o->config.channels : job->colour ? 3 : channels;
    d->found = count;
    if (room > UINT32_MAX)
        return err_set(job->err, ERR_USAGE, "%s: has %zu images; more than %u need a limit",
                       o->path, room, UINT32_MAX);
    if (o->config.height == 0 && o->size_fits &&
        !o->size_fits(o->size_context, height, width, job->err))
        return false;
    size_t image_bytes = (size_t)d->height * (size_t)d->width * (size_t)d->channels;
    begin_cache(job, room);
    if (!job->writer) d->pixels = mem_alloc(room, image_bytes);
    if (labels) d->labels = mem_alloc(room, 1);
    if ((!job->writer && !d->pixels) || (labels && !d->labels))
        return err_set(job->err, ERR_MEMORY,
                       "%s: not enough memory for %zu images of %zu bytes (%.1f GiB); fewer "
                       "(data.limit) or smaller ones (data.size) need less",
                       o->path, room, image_bytes, (double)room * (double)image_bytes / 0x1p30);
    job->room = room;
    return true;
}

/* Every grey pixel becomes three. */
static bool widen(DataJob *job)
{
    Dataset *d = job->d;
    size_t area = (size_t)d->height * (size_t)d->width;
    unsigned char *wide = mem_alloc(job->room, 3 * area);
    if (!wide)
        return err_set(job->err, ERR_MEMORY,
                       "%s: not enough memory for %zu colour images of %zu "
                       "bytes",
                       job->options->path, job->room, 3 * area);
    for (size_t i = 0; i < d->count * area; i++) memset(wide + 3 * i, d->pixels[i], 3);
    mem_free(d->pixels);
    d->pixels = wide;
    d->channels = 3;
    return true;
}

static void add_size(Dataset *d, int height, int width)
{
    unsigned char bytes[8];
    for (int i = 0; i < 4; i++) {
        bytes[i] = (unsigned char)((unsigned)height >> 8 * i);
        bytes[4 + i] = (unsigned char)((unsigned)width >> 8 * i);
    }
    d->checksum = (uint32_t)crc32(d->checksum, bytes, sizeof bytes);
}

static bool several_sizes(DataJob *job, int height, int width)
{
    const Dataset *d = job->d;
    const char *advice = job->options->size_advice;
    return err_set(job->err, ERR_USAGE,
                   "%s: its images have several sizes, the first %dx%d, %.300s %dx%d; %s",
                   job->options->path, d->height, d->width, job->file, height, width,
                   advice ? advice : "a size must be given");
}

bool data_needs_fit(const DataOptions *o, const Image *image)
{
    return o->config.height > 0 &&
           (image->height != o->config.height || image->width != o->config.width);
}

/* Makes every image colour. What is in a file already is written anew. */
static bool become_colour(DataJob *job)
{
    if (!job->writer) return widen(job);
    job->colour = job->again = true;
    return false;
}

bool data_keep(DataJob *job, const Image *image, int height, int width, int label)
{
    Dataset *d = job->d;
    Err why = {0};
    CHECK(d->count < job->room);
    if (job->options->config.channels == 0 && image->channels > d->channels && !become_colour(job))
        return false;
    if (image->height != d->height || image->width != d->width)
        return several_sizes(job, height, width);
    size_t area = (size_t)d->height * (size_t)d->width, C = (size_t)d->channels;
    size_t own = (size_t)image->channels;
    unsigned char *to =
        job->writer ? data_cache_image(job->writer) : d->pixels + d->count * area * C;
    if (own == C) memcpy(to, image->pixels, area * C);
    for (size_t i = 0; i < area && own != C; i++)
        image_put_pixel(to + i * C, d->channels, image->pixels + i * own, image->channels, false);
    if (job->writer && !data_cache_add(job->writer, &why)) return data_cache_failed(job, &why);
    if (d->labels) d->labels[d->count] = (unsigned char)label;
    add_size(d, height, width);
    d->count++;
    return true;
}

bool data_store(DataJob *job, const Image *image, int label)
{
    const DataOptions *o = job->options;
    Image fitted = {0};
    if (o->look) o->look(o->look_context, image);
    bool needed = data_needs_fit(o, image);
    if (needed && !image_resize_crop(image, o->config.height, o->config.width, &fitted, job->err))
        return false;
    bool ok = data_keep(job, needed ? &fitted : image, image->height, image->width, label);
    image_free(&fitted);
    return ok;
}

bool data_is_file(const char *folder, const char *name)
{
    char path[PATH_BYTES];
    return path_join(path, folder, name, NULL) && !path_is_folder(path);
}

bool data_name_classes(DataJob *job, int count, ClassName *names)
{
    Dataset *d = job->d;
    d->classes = count;
    mem_free(d->class_names);
    d->class_names = mem_alloc((size_t)count, sizeof *names);
    if (!d->class_names)
        return err_set(job->err, ERR_MEMORY, "%s: not enough memory for the names of its classes",
                       job->options->path);
    if (count) memcpy(d->class_names, names, (size_t)count * sizeof *names);
    return true;
}

bool data_progress(DataJob *job, size_t done, size_t total)
{
    if (interrupt_requested())
        return err_set(job->err, ERR_INTERRUPTED, "%s: interrupted while reading",
                       job->options->path);
    if (job->progress && total) job->progress(job->context, done, total);
    return true;
}

/* "60,000 grey images of 28x28 (folder), 10 classes, no image in the folder cat, 3 unreadable images left out"; height first, as
 * everywhere that a size is told or asked for. */
void data_describe(const DataJob *job)
{
    Dataset *d = job->d;
    char count[32], classes[32] = "", number[32];
    char skipped[64] = "", ignored[64] = "", empty[160] = "", runs[64] = "", repeated[96] = "",
         name[80];
    term_format_count(count, d->count);
    if (d->classes)
        snprintf(classes, sizeof classes, ", %d class%s", d->classes, d->classes == 1 ? "" : "es");
    text_escape(name, sizeof name, d->empty_name);
    term_format_count(number, d->empty);
    if (d->empty == 1) snprintf(empty, sizeof empty, ", no image in the folder %s", name);
    if (d->empty > 1)
        snprintf(empty, sizeof empty, ", no image in %s folders, such as %s", number, name);
    term_format_count(number, d->skipped);
    if (d->skipped)
        snprintf(skipped, sizeof skipped, ", %s unreadable image%s left out", number,
                 d->skipped == 1 ? "" : "s");
    term_format_count(number, d->ignored);
    if (d->ignored)
        snprintf(ignored, sizeof ignored, ", %s other file%s ignored", number,
                 d->ignored == 1 ? "" : "s");
    term_format_count(number, d->runs);
    if (d->runs)
        snprintf(runs, sizeof runs, ", %s run%s left out", number, d->runs == 1 ? "" : "s");
    term_format_count(number, d->repeated);
    if (d->repeated)
        snprintf(repeated, sizeof repeated, ", %s folder%s repeated by links left out", number,
                 d->repeated == 1 ? "" : "s");
    snprintf(d->description, sizeof d->description, "%s %s image%s of %dx%d (%s%s)%s%s%s%s%s%s",
             count, image_colour(d->channels), d->count == 1 ? "" : "s", d->height, d->width,
             job->format, job->part, classes, empty, skipped, ignored, runs, repeated);
}

bool data_bad_image(DataJob *job, const Err *reason)
{
    char line[sizeof reason->text];
    Dataset *d = job->d;
    if (reason->kind != ERR_FORMAT && reason->kind != ERR_IO) /* such as want of memory */
        return err_set(job->err, reason->kind, "%s", reason->text);
    if (!job->options->config.skip_bad)
        return err_set(job->err, reason->kind, "%.900s%s", reason->text,
                       job->options->can_skip ? " (data.skip_bad = true leaves such images out)"
                                              : "");
    text_escape(line, sizeof line, reason->text);
    size_t length = d->skipped_list ? strlen(d->skipped_list) : 0, more = strlen(line);
    char *grown = realloc(d->skipped_list, length + more + 2);
    if (!grown)
        return err_set(job->err, ERR_MEMORY, "%s: not enough memory for its list of bad files",
                       job->options->path);
    snprintf(grown + length, more + 2, "%s\n", line);
    d->skipped_list = grown;
    d->skipped++;
    return true;
}
