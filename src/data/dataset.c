#include "data/dataset.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

#include "base/clock.h"
#include "base/file_kind.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/term.h"
#include "base/text.h"
#include "data/data_stream.h"
#include "data/dataset_load.h"
#include "data/image_gate.h"
#include "data/toy.h"

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

/* Converts between grey and colour, and adds an alpha of 255, where the data set needs it. */
static void copy_pixels(unsigned char *to, int channels, const Image *image)
{
    size_t area = (size_t)image->height * (size_t)image->width;
    const unsigned char *from = image->pixels;
    if (channels == image->channels) {
        memcpy(to, from, area * (size_t)channels);
        return;
    }
    bool colour = image->channels == 3;
    for (size_t i = 0; i < area; i++, to += channels, from += image->channels) {
        if (channels >= 3)
            for (int c = 0; c < 3; c++) to[c] = from[colour ? c : 0];
        else
            to[0] = colour ? image_grey(from[0], from[1], from[2]) : from[0];
        if (channels % 2 == 0) to[channels - 1] = 255;
    }
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
    if (job->options->config.channels == 0 && image->channels > d->channels && !widen(job))
        return false;
    Image resized = {0};
    bool fits = image->height == d->height && image->width == d->width;
    if (!fits && job->options->config.height == 0) return several_sizes(job, image);
    if (!fits && !image_resize_crop(image, d->height, d->width, &resized, job->err)) return false;
    size_t image_bytes = (size_t)d->height * (size_t)d->width * (size_t)d->channels;
    copy_pixels(d->pixels + d->count * image_bytes, d->channels, fits ? image : &resized);
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

/* The format of a single file, by its first bytes. */
static bool load_file(DataJob *job)
{
    const char *path = job->options->path;
    DataKind kind = job->options->config.kind;
    if (kind == DATA_FOLDER)
        return err_set(job->err, ERR_USAGE, "%s: is a file, expected a folder of images", path);
    if (kind == DATA_AUTO) {
        unsigned char start[FILE_KIND_BYTES];
        size_t got = 0;
        DataStream *stream;
        if (!data_stream_open(&stream, path, job->err)) return false;
        bool ok = data_stream_read(stream, start, sizeof start, &got, job->err);
        uint64_t bytes = data_stream_file_bytes(stream);
        data_stream_close(stream);
        if (!ok) return false;
        if (bytes == 0) return err_set(job->err, ERR_FORMAT, "%s: is empty, expected images", path);
        if (image_format(start, got))
            return err_set(job->err, ERR_USAGE,
                           "%s: is a single image; give the folder that holds the images", path);
        if (data_idx_is_start(start, got))
            kind = DATA_IDX;
        else if (bytes % 3073 == 0)
            kind = DATA_CIFAR10;
        else
            return file_kind_refuse(path, start, got,
                                    "IDX or CIFAR-10 binary data, or a folder of images", job->err);
    }
    if (kind == DATA_IDX) return data_idx_load(job, path);
    return data_cifar_load(job, path, NULL, path);
}

static bool has_file(const char *folder, const Names *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++)
        if (strcmp(names->names[i], name) == 0) return data_is_file(folder, name);
    return false;
}

static bool load_listed(DataJob *job, const Names *names)
{
    const DataOptions *o = job->options;
    char path[PATH_BYTES];
    bool is_idx = false;
    if (o->config.kind == DATA_AUTO || o->config.kind == DATA_IDX) {
        if (!data_idx_find(job, names, path, &is_idx)) return false;
        if (is_idx) return data_idx_load(job, path);
        if (o->config.kind == DATA_IDX)
            return err_set(job->err, ERR_IO, "%s: holds no *-images-idx3-ubyte[.gz]", o->path);
    }
    if (o->config.kind == DATA_AUTO || o->config.kind == DATA_CIFAR10) {
        if (data_cifar_is_there(o->path, names)) return data_cifar_load(job, o->path, names, NULL);
        if (has_file(o->path, names, "data_batch_1") || has_file(o->path, names, "test_batch"))
            return err_set(job->err, ERR_FORMAT,
                           "%s: holds the Python version of CIFAR-10 (pickles); get the binary "
                           "version (cifar-10-binary.tar.gz)",
                           o->path);
        if (o->config.kind == DATA_CIFAR10)
            return err_set(job->err, ERR_IO, "%s: holds no data_batch_1.bin", o->path);
    }
    const char *part = data_folder_part(o->path, names, o->test_part);
    if (o->test_part && !part)
        return err_set(
            job->err, ERR_USAGE,
            "%s: this folder of images has no test part (train beside test or val); give "
            "the folder of test images",
            o->path);
    return data_folder_load(job, part);
}

bool dataset_has_test_part(const char *path, bool *has, Err *err)
{
    Names names;
    path = dataset_place(path);
    *has = false;
    if (!path_is_folder(path)) return true;
    if (!folder_list(path, &names, err)) return false;
    *has = data_idx_has_test(path, &names) || has_file(path, &names, "test_batch.bin") ||
           data_folder_part(path, &names, true);
    names_free(&names);
    return true;
}

static bool load(DataJob *job)
{
    const char *path = job->options->path;
    struct stat st;
    if (stat(path, &st) != 0) return data_missing(path, job->err);
    if (!S_ISDIR(st.st_mode)) return load_file(job);
    Names names;
    if (!folder_list(path, &names, job->err)) return false;
    bool ok = load_listed(job, &names);
    names_free(&names);
    return ok;
}

static bool check_options(const DataOptions *o, Err *err)
{
    if (!o->path || !o->path[0]) return err_set(err, ERR_USAGE, "data: no path is given");
    const DataConfig *c = &o->config;
    if (c->channels < 0 || c->channels > IMAGE_MAX_CHANNELS)
        return err_set(
            err, ERR_USAGE,
            "data: %d channels, expected 1 (grey), 3 (colour), 2 or 4 (with alpha), or 0 "
            "(as stored, alpha blended over black)",
            c->channels);
    if ((c->height == 0) != (c->width == 0))
        return err_set(err, ERR_USAGE, "data: height %d and width %d: give both, or neither",
                       c->height, c->width);
    if (c->height < 0 || c->width < 0 || c->height > IMAGE_MAX_SIDE || c->width > IMAGE_MAX_SIDE)
        return err_set(err, ERR_USAGE, "data: height %d and width %d, expected 1 to %d", c->height,
                       c->width, IMAGE_MAX_SIDE);
    if (c->limit > 0 && c->validation >= c->limit)
        return err_set(err, ERR_USAGE,
                       "data: %d images held out of a limit of %d leave none to train on",
                       c->validation, c->limit);
    return true;
}

static void shuffle(uint32_t *list, size_t count, uint64_t seed, uint64_t stream)
{
    for (size_t i = 0; i < count; i++) list[i] = (uint32_t)i;
    for (size_t i = count; i > 1; i--) {
        size_t j = rng_below(seed, stream, i - 1, (uint32_t)i);
        uint32_t kept = list[i - 1];
        list[i - 1] = list[j];
        list[j] = kept;
    }
}

static size_t held_out(const DataOptions *o, size_t most)
{
    if (o->config.validation != DATA_VALIDATION_AUTO) return (size_t)o->config.validation;
    return most < DATA_VALIDATION ? most : DATA_VALIDATION;
}

bool data_split(Dataset *d, const DataOptions *o, Err *err)
{
    d->validation_count = held_out(o, d->count / 10);
    if (d->validation_count >= d->count)
        return err_set(
            err, ERR_USAGE,
            "%s: data.validation holds out %zu images of %zu, which leaves none to train "
            "on; set data.validation below %zu, or leave it out",
            o->path, d->validation_count, d->count, d->count);
    d->train_count = d->count - d->validation_count;
    d->split = mem_alloc(d->count, sizeof *d->split);
    d->order = mem_alloc(d->train_count, sizeof *d->order);
    if (!d->split || !d->order)
        return err_set(err, ERR_MEMORY, "%s: not enough memory for the order of %zu images",
                       o->path, d->count);
    shuffle(d->split, d->count, o->seed, rng_stream(RNG_SPLIT, 0));
    for (size_t i = 0; d->labels && i < d->train_count; i++)
        d->class_images[d->labels[d->split[i]]]++;
    d->order_epoch = UINT64_MAX;
    d->flip = o->config.flip;
    d->seed = o->seed;
    return true;
}

static void open_toy(Dataset *d, const DataOptions *o)
{
    char count[32];
    *d = (Dataset){.height = 1,
                   .width = 1,
                   .channels = TOY_DIMS,
                   .toy = o->config.toy,
                   .validation_count = held_out(o, DATA_VALIDATION),
                   .seed = o->seed};
    term_format_count(count, d->validation_count);
    snprintf(d->description, sizeof d->description, "points of %s: %s; %s held out",
             toy_words[o->config.toy], toy_formula(o->config.toy), count);
}

bool dataset_open(Dataset *d, const DataOptions *options, DataProgress progress, void *context,
                  Err *err)
{
    memset(d, 0, sizeof *d);
    if (options->config.toy != TOY_NONE) {
        open_toy(d, options);
        return true;
    }
    Err failure = {0};
    DataOptions placed = *options;
    if (placed.path) placed.path = dataset_place(placed.path);
    DataJob job = {
        .options = &placed, .d = d, .progress = progress, .context = context, .err = &failure};
    if (check_options(options, &failure) && load(&job) && data_split(d, options, &failure)) {
        if (d->labels) d->checksum = (uint32_t)crc32_z(d->checksum, d->labels, d->count);
        data_describe(&job);
        return true;
    }
    /* Names come from the disk: they may hold control characters. */
    char text[sizeof failure.text];
    text_escape(text, sizeof text, failure.text);
    err_set(err, failure.kind, "%s", text);
    dataset_close(d);
    return false;
}

void dataset_close(Dataset *d)
{
    mem_free(d->pixels);
    mem_free(d->labels);
    mem_free(d->class_names);
    for (size_t i = 0; d->files && i < d->count; i++) free(d->files[i]);
    mem_free(d->files);
    free(d->skipped_list);
    mem_free(d->split);
    mem_free(d->order);
    memset(d, 0, sizeof *d);
}

static void sample(const Dataset *d, size_t image, bool flipped, float *x, int *label)
{
    size_t W = (size_t)d->width, C = (size_t)d->channels, rows = (size_t)d->height;
    const unsigned char *from = d->pixels + image * rows * W * C;
    for (size_t row = 0; row < rows; row++, from += W * C)
        for (size_t column = 0; column < W; column++) {
            const unsigned char *pixel = from + (flipped ? W - 1 - column : column) * C;
            for (size_t c = 0; c < C; c++) *x++ = (float)pixel[c] / 127.5f - 1.0f;
        }
    if (label) *label = d->labels ? d->labels[image] : 0;
}

static void toy_sample(const Dataset *d, bool held_out, uint64_t number, float *x, int *label)
{
    toy_point(d->toy, d->seed, held_out, number, x);
    if (label) *label = 0;
}

void dataset_train_sample(Dataset *d, uint64_t number, float *x, int *label)
{
    if (d->toy != TOY_NONE) {
        toy_sample(d, false, number, x, label);
        return;
    }
    uint64_t epoch = number / d->train_count;
    if (epoch != d->order_epoch) {
        shuffle(d->order, d->train_count, d->seed, rng_stream(RNG_SHUFFLE, epoch));
        d->order_epoch = epoch;
    }
    size_t image = d->split[d->order[number % d->train_count]];
    bool flipped = d->flip && rng_below(d->seed, rng_stream(RNG_FLIP, epoch), image, 2) == 1;
    sample(d, image, flipped, x, label);
}

void dataset_train_image(const Dataset *d, size_t i, float *x)
{
    if (d->toy != TOY_NONE) {
        toy_sample(d, false, i, x, NULL);
        return;
    }
    CHECK(i < d->train_count);
    sample(d, d->split[i], false, x, NULL);
}

void dataset_validation_sample(const Dataset *d, size_t i, float *x, int *label)
{
    CHECK(i < d->validation_count);
    if (d->toy != TOY_NONE) {
        toy_sample(d, true, i, x, label);
        return;
    }
    sample(d, d->split[d->train_count + i], false, x, label);
}
