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

bool data_reserve(DataJob *job, uint64_t count, int height, int width, int channels, bool labels)
{
    Dataset *d = job->d;
    const DataOptions *o = job->options;
    size_t room = data_limited(job, count);
    d->height = o->config.height ? o->config.height : height;
    d->width = o->config.width ? o->config.width : width;
    d->channels = o->config.channels ? o->config.channels : channels;
    d->found = count;
    if (room > UINT32_MAX)
        return err_set(job->err, ERR_USAGE, "%s: has %zu images; more than %u need a limit",
                       o->path, room, UINT32_MAX);
    if (o->config.height == 0 && o->size_fits &&
        !o->size_fits(o->size_context, height, width, job->err))
        return false;
    size_t image_bytes = (size_t)d->height * (size_t)d->width * (size_t)d->channels;
    d->pixels = mem_alloc(room, image_bytes);
    if (labels) d->labels = mem_alloc(room, 1);
    if (!d->pixels || (labels && !d->labels))
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

static void add_size(Dataset *d, const Image *image)
{
    unsigned char bytes[8];
    for (int i = 0; i < 4; i++) {
        bytes[i] = (unsigned char)((unsigned)image->height >> 8 * i);
        bytes[4 + i] = (unsigned char)((unsigned)image->width >> 8 * i);
    }
    d->checksum = (uint32_t)crc32(d->checksum, bytes, sizeof bytes);
}

static bool several_sizes(DataJob *job, const Image *image)
{
    const Dataset *d = job->d;
    const char *advice = job->options->size_advice;
    return err_set(job->err, ERR_USAGE,
                   "%s: its images have several sizes, the first %dx%d, %.300s %dx%d; %s",
                   job->options->path, d->height, d->width, job->file, image->height, image->width,
                   advice ? advice : "a size must be given");
}

bool data_store(DataJob *job, const Image *image, int label)
{
    Dataset *d = job->d;
    CHECK(d->count < job->room);
    if (job->options->look) job->options->look(job->options->look_context, image);
    if (job->options->config.channels == 0 && image->channels > d->channels && !widen(job))
        return false;
    Image resized = {0};
    const Image *from = image;
    bool fits = image->height == d->height && image->width == d->width;
    if (!fits && job->options->config.height == 0) return several_sizes(job, image);
    if (!fits && !image_resize_crop(image, d->height, d->width, &resized, job->err)) return false;
    if (!fits) from = &resized;
    size_t area = (size_t)d->height * (size_t)d->width, C = (size_t)d->channels;
    size_t own = (size_t)from->channels;
    unsigned char *to = d->pixels + d->count * area * C;
    if (own == C) memcpy(to, from->pixels, area * C);
    for (size_t i = 0; i < area && own != C; i++)
        image_put_pixel(to + i * C, d->channels, from->pixels + i * own, from->channels, false);
    image_free(&resized);
    if (d->labels) d->labels[d->count] = (unsigned char)label;
    add_size(d, image);
    d->count++;
    return true;
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

/* "60,000 grey images of 28x28 (folder), 10 classes, 3 unreadable images left out"; height first, as
 * everywhere that a size is told or asked for. */
void data_describe(const DataJob *job)
{
    Dataset *d = job->d;
    char count[32], classes[32] = "", number[32];
    char skipped[64] = "", ignored[64] = "";
    term_format_count(count, d->count);
    if (d->classes)
        snprintf(classes, sizeof classes, ", %d class%s", d->classes, d->classes == 1 ? "" : "es");
    term_format_count(number, d->skipped);
    if (d->skipped)
        snprintf(skipped, sizeof skipped, ", %s unreadable image%s left out", number,
                 d->skipped == 1 ? "" : "s");
    term_format_count(number, d->ignored);
    if (d->ignored)
        snprintf(ignored, sizeof ignored, ", %s other file%s ignored", number,
                 d->ignored == 1 ? "" : "s");
    snprintf(d->description, sizeof d->description, "%s %s image%s of %dx%d (%s%s)%s%s%s", count,
             image_colour(d->channels), d->count == 1 ? "" : "s", d->height, d->width, job->format,
             job->part, classes, skipped, ignored);
}

bool data_bad_image(DataJob *job, const Err *reason)
{
    char line[sizeof reason->text];
    Dataset *d = job->d;
    if (reason->kind != ERR_FORMAT && reason->kind != ERR_IO) /* such as want of memory */
        return err_set(job->err, reason->kind, "%s", reason->text);
    if (!job->options->config.skip_bad)
        return err_set(job->err, reason->kind,
                       "%.900s (data.skip_bad = true leaves such images out)", reason->text);
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
