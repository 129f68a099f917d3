#include "data/dataset.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

#include "base/file_kind.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/term.h"
#include "base/text.h"
#include "data/data_stream.h"
#include "data/dataset_load.h"
#include "data/image_gate.h"
#include "data/toy.h"

const char *const data_kind_words[] = {[DATA_AUTO] = "auto",
                                       [DATA_IDX] = "idx",
                                       [DATA_CIFAR10] = "cifar10",
                                       [DATA_FOLDER] = "folder",
                                       NULL};

/* ---- places ---- */

static const DataPlace fashion_mnist = {
    .installed = "/usr/share/datasets/fashion-mnist",
    .local = "data/fashion-mnist",
    .advice = "install the package dataset-fashion-mnist (make deps), or put "
              "train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz, t10k-images-idx3-ubyte.gz "
              "and t10k-labels-idx1-ubyte.gz into data/fashion-mnist"};

/* The same path but for slashes at its end. */
static bool is_path(const char *path, const char *place)
{
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/') length--;
    return strlen(place) == length && memcmp(path, place, length) == 0;
}

const char *data_place_find(const DataPlace *place, const char *path)
{
    if (path_exists(path)) return path;
    if (is_path(path, place->installed) && path_exists(place->local)) return place->local;
    if (is_path(path, place->local) && path_exists(place->installed)) return place->installed;
    return path;
}

const char *dataset_place(const char *path)
{
    return data_place_find(&fashion_mnist, path);
}

bool data_place_missing(const DataPlace *place, const char *path, Err *err)
{
    int reason = errno;
    if (reason == ENOENT && (is_path(path, place->installed) || is_path(path, place->local)))
        return err_set(err, ERR_IO, "%s: the data set is not there; %s", path, place->advice);
    errno = reason;
    return err_set_errno(err, "%s: cannot open the data", path);
}

/* ---- formats ---- */

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
        data_stream_close(stream);
        if (!ok) return false;
        if (got == 0) return err_set(job->err, ERR_FORMAT, "%s: is empty, expected images", path);
        if (image_format(start, got))
            return err_set(job->err, ERR_USAGE,
                           "%s: is a single image; give the folder that holds the images", path);
        bool idx = data_idx_is_start(start, got), cifar = false;
        if (!idx && !data_cifar_is_file(path, &cifar, job->err)) return false;
        kind = idx ? DATA_IDX : DATA_CIFAR10;
        if (!idx && !cifar)
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
    const char *part;
    if (!data_folder_part(o->path, names, o->test_part, &part, &job->beside, job->err))
        return false;
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
    const char *part;
    bool ok = data_folder_part(path, &names, true, &part, NULL, err);
    *has = data_idx_has_test(path, &names) || has_file(path, &names, "test_batch.bin") || part;
    names_free(&names);
    return ok;
}

static bool load(DataJob *job)
{
    const char *path = job->options->path;
    struct stat st;
    if (stat(path, &st) != 0) return data_place_missing(&fashion_mnist, path, job->err);
    if (!S_ISDIR(st.st_mode)) return load_file(job);
    Names names;
    if (!folder_list(path, &names, job->err)) return false;
    bool ok = load_listed(job, &names);
    names_free(&names);
    return ok;
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

static size_t held_out(const DataConfig *c, size_t most)
{
    if (c->validation != DATA_VALIDATION_AUTO) return (size_t)c->validation;
    return most < DATA_VALIDATION ? most : DATA_VALIDATION;
}

size_t dataset_held_out(const DataConfig *c, size_t count)
{
    return held_out(c, count / 10);
}

/* Fills what every data set of images has once they are read: training and held-out images, and the
 * order. */
static bool split(Dataset *d, const DataOptions *o, Err *err)
{
    d->validation_count = dataset_held_out(&o->config, d->count);
    if (d->validation_count >= d->count)
        return err_set(
            err, ERR_USAGE,
            "%s: data.validation holds out %zu image%s of %zu, which leaves none to train "
            "on; set data.validation below %zu, or leave it out",
            o->path, d->validation_count, d->validation_count == 1 ? "" : "s", d->count, d->count);
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
                   .validation_count = held_out(&o->config, DATA_VALIDATION),
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
    placed.path = dataset_place(placed.path);
    DataJob job = {
        .options = &placed, .d = d, .progress = progress, .context = context, .err = &failure};
    if (load(&job) && split(d, options, &failure)) {
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

static void draw_bytes(unsigned char *bytes, size_t count, uint64_t seed)
{
    uint32_t words[4];
    for (size_t at = 0; at < count; at += sizeof words) {
        rng_block(seed, rng_stream(RNG_NOISE, 0), at / sizeof words, words);
        memcpy(bytes + at, words, count - at < sizeof words ? count - at : sizeof words);
    }
}

bool dataset_open_noise(Dataset *d, const DataOptions *o, int classes, Err *err)
{
    const DataConfig *c = &o->config;
    size_t count = (size_t)c->limit;
    size_t bytes = count * (size_t)c->height * (size_t)c->width * (size_t)c->channels;
    CHECK(bytes > 0 && classes >= 0 && classes <= 256);
    *d = (Dataset){.height = c->height,
                   .width = c->width,
                   .channels = c->channels,
                   .classes = classes,
                   .count = count,
                   .pixels = mem_alloc(bytes, 1),
                   .labels = classes > 0 ? mem_alloc(count, 1) : NULL};
    if (!d->pixels || (classes > 0 && !d->labels)) {
        dataset_close(d);
        return err_set(err, ERR_MEMORY, "not enough memory for %zu images of noise", count);
    }
    draw_bytes(d->pixels, bytes, o->seed);
    for (size_t i = 0; classes > 0 && i < d->count; i++)
        d->labels[i] = (unsigned char)(i % (size_t)classes);
    snprintf(d->description, sizeof d->description, "%zu images of noise", d->count);
    if (split(d, o, err)) return true;
    dataset_close(d);
    return false;
}

void dataset_free_images(Dataset *d)
{
    for (size_t i = 0; d->files && i < d->count; i++) free(d->files[i]);
    mem_free(d->files);
    mem_free(d->pixels);
    mem_free(d->labels);
    d->files = NULL;
    d->pixels = d->labels = NULL;
    d->count = 0;
}

void dataset_close(Dataset *d)
{
    dataset_free_images(d);
    data_cache_close(d->cache);
    mem_free(d->class_names);
    free(d->skipped_list);
    mem_free(d->split);
    mem_free(d->order);
    memset(d, 0, sizeof *d);
}

/* ---- images by number ---- */

static bool read_bytes(const Dataset *d, size_t image, unsigned char *bytes, Err *err)
{
    size_t size = (size_t)d->height * (size_t)d->width * (size_t)d->channels;
    if (d->cache) return data_cache_read(d->cache, image, bytes, err);
    memcpy(bytes, d->pixels + image * size, size);
    return true;
}

uint32_t dataset_pixels_checksum(const Dataset *d)
{
    uint32_t all = 0;
    size_t size = (size_t)d->height * (size_t)d->width * (size_t)d->channels;
    if (d->toy != TOY_NONE) return 0;
    const uint32_t *known = d->cache ? data_cache_checksums(d->cache) : NULL;
    for (size_t i = 0; i < d->count; i++) {
        uint32_t own = known ? known[i] : (uint32_t)crc32_z(0, d->pixels + i * size, size);
        all = (uint32_t)crc32_z(all, (const unsigned char *)&own, sizeof own);
    }
    return all;
}

static void mirror(const Dataset *d, float *x)
{
    size_t W = (size_t)d->width, C = (size_t)d->channels, rows = (size_t)d->height;
    for (size_t row = 0; row < rows; row++, x += W * C)
        for (size_t column = 0; column < W / 2; column++)
            for (size_t c = 0; c < C; c++) {
                float *left = x + column * C + c, *right = x + (W - 1 - column) * C + c;
                float kept = *left;
                *left = *right;
                *right = kept;
            }
}

static bool sample(const Dataset *d, size_t image, bool flipped, float *x, int *label, Err *err)
{
    /* The bytes lie where x begins, so no value is written over a byte that is yet to be read. */
    unsigned char *bytes = (unsigned char *)x;
    if (!read_bytes(d, image, bytes, err)) return false;
    for (size_t i = (size_t)d->height * (size_t)d->width * (size_t)d->channels; i-- > 0;)
        x[i] = (float)bytes[i] / 127.5f - 1.0f;
    if (flipped) mirror(d, x);
    if (label) *label = d->labels ? d->labels[image] : 0;
    return true;
}

static bool toy_sample(const Dataset *d, bool held_out, uint64_t number, float *x, int *label)
{
    toy_point(d->toy, d->seed, held_out, number, x);
    if (label) *label = 0;
    return true;
}

bool dataset_train_sample(Dataset *d, uint64_t number, float *x, int *label, Err *err)
{
    if (d->toy != TOY_NONE) return toy_sample(d, false, number, x, label);
    uint64_t epoch = number / d->train_count;
    if (epoch != d->order_epoch) {
        shuffle(d->order, d->train_count, d->seed, rng_stream(RNG_SHUFFLE, epoch));
        d->order_epoch = epoch;
    }
    size_t image = d->split[d->order[number % d->train_count]];
    bool flipped = d->flip && rng_below(d->seed, rng_stream(RNG_FLIP, epoch), image, 2) == 1;
    return sample(d, image, flipped, x, label, err);
}

bool dataset_train_image(const Dataset *d, size_t i, float *x, Err *err)
{
    if (d->toy != TOY_NONE) return toy_sample(d, false, i, x, NULL);
    CHECK(i < d->train_count);
    return sample(d, d->split[i], false, x, NULL, err);
}

bool dataset_train_bytes(const Dataset *d, size_t i, unsigned char *bytes, Err *err)
{
    CHECK(i < d->train_count);
    return read_bytes(d, d->split[i], bytes, err);
}

bool dataset_validation_sample(const Dataset *d, size_t i, float *x, int *label, Err *err)
{
    CHECK(i < d->validation_count);
    if (d->toy != TOY_NONE) return toy_sample(d, true, i, x, label);
    return sample(d, d->split[d->train_count + i], false, x, label, err);
}
