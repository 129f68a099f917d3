/* CIFAR-10 binary: records of a label and the red, green and blue planes of 32x32 pixels. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file_kind.h"
#include "data/data_stream.h"
#include "data/dataset_load.h"

enum { SIDE = 32, PLANE = SIDE * SIDE, RECORD = 1 + 3 * PLANE, CLASSES = 10, MAX_BATCHES = 99 };

static ClassName class_names[CLASSES] = {"airplane", "automobile", "bird",  "cat",  "deer",
                                         "dog",      "frog",       "horse", "ship", "truck"};

/* The number of data_batch_N.bin, 0 for other names. */
static int batch_number(const char *name)
{
    static const char start[] = "data_batch_";
    size_t length = sizeof start - 1;
    if (strncmp(name, start, length) != 0 || name[length] < '1' || name[length] > '9') return 0;
    char *end;
    long number = strtol(name + length, &end, 10);
    return strcmp(end, ".bin") == 0 && number <= MAX_BATCHES ? (int)number : 0;
}

bool data_cifar_is_file(const char *path, bool *is, Err *err)
{
    uint64_t bytes;
    if (!data_stream_length(path, &bytes, err)) return false;
    *is = bytes > 0 && bytes % RECORD == 0;
    return true;
}

bool data_cifar_is_there(const char *folder, const Names *names)
{
    for (size_t i = 0; i < names->count; i++) {
        const char *name = names->names[i];
        if ((batch_number(name) || strcmp(name, "test_batch.bin") == 0) &&
            data_is_file(folder, name))
            return true;
    }
    return false;
}

/* CIFAR-10 has no signature; only the size identifies it. Other files may be recognised by theirs. */
static bool refuse_batch(DataJob *job, DataStream *stream, const char *path, uint64_t bytes)
{
    unsigned char start[FILE_KIND_BYTES];
    size_t got;
    if (!data_stream_read(stream, start, sizeof start, &got, job->err)) return false;
    if (file_kind(start, got))
        return file_kind_refuse(path, start, got, "CIFAR-10 records", job->err);
    return err_set(job->err, ERR_FORMAT,
                   "%s: has %llu bytes, not a whole number of CIFAR-10 records of %d", path,
                   (unsigned long long)bytes, RECORD);
}

static bool open_batch(DataJob *job, const char *path, DataStream **stream, uint64_t *records)
{
    uint64_t bytes;
    if (!data_stream_length(path, &bytes, job->err) || !data_stream_open(stream, path, job->err))
        return false;
    bool ok = true;
    if (bytes == 0)
        ok = err_set(job->err, ERR_FORMAT, "%s: is empty, expected CIFAR-10 records", path);
    else if (bytes % RECORD != 0)
        ok = refuse_batch(job, *stream, path, bytes);
    if (!ok) {
        data_stream_close(*stream);
        *stream = NULL;
    }
    *records = bytes / RECORD;
    return ok;
}

static bool load_batch(DataJob *job, const char *path, size_t total)
{
    DataStream *stream;
    uint64_t records;
    if (!open_batch(job, path, &stream, &records)) return false;
    unsigned char record[RECORD], pixels[3 * PLANE];
    Image image = {.height = SIDE, .width = SIDE, .channels = 3, .pixels = pixels};
    bool ok = true;
    for (uint64_t i = 0; ok && i < records && job->d->count < total; i++) {
        size_t got;
        ok = data_stream_read(stream, record, RECORD, &got, job->err);
        if (ok && got != RECORD)
            ok = err_set(job->err, ERR_IO, "%s: became shorter while being read", path);
        if (ok && record[0] >= CLASSES)
            ok = err_set(job->err, ERR_FORMAT,
                         "%s: record %llu has the label %d, expected 0 to 9 (not CIFAR-10?)", path,
                         (unsigned long long)i, record[0]);
        for (int k = 0; ok && k < PLANE; k++)
            for (int c = 0; c < 3; c++) pixels[3 * k + c] = record[1 + c * PLANE + k];
        ok = ok && data_store(job, &image, record[0]) && data_progress(job, job->d->count, total);
    }
    data_stream_close(stream);
    return ok;
}

/* Path of the i-th file of the wanted part (i from 1). */
static bool part_path(DataJob *job, const char *folder, int i, char *path)
{
    char name[32];
    snprintf(name, sizeof name, "data_batch_%d.bin", i);
    return path_join(path, folder, job->options->test_part ? "test_batch.bin" : name, job->err);
}

bool data_cifar_load(DataJob *job, const char *folder, const Names *names, const char *file)
{
    int files = 1;
    job->format = "CIFAR-10";
    job->d->kind = DATA_CIFAR10;
    if (!file && !job->options->test_part) {
        files = 0;
        for (size_t i = 0; i < names->count; i++)
            if (batch_number(names->names[i]) > files && data_is_file(folder, names->names[i]))
                files = batch_number(names->names[i]);
        if (files == 0)
            return err_set(job->err, ERR_IO, "%s: holds no data_batch_1.bin to train on", folder);
    }
    char path[PATH_BYTES];
    uint64_t total = 0, records;
    for (int i = 1; i <= files; i++) {
        DataStream *stream;
        if (!file && !part_path(job, folder, i, path)) return false;
        if (!open_batch(job, file ? file : path, &stream, &records)) return false;
        data_stream_close(stream);
        total += records;
    }
    char beside[PATH_BYTES];
    if (file) path_parent(beside, file);
    if (!data_reserve(job, total, SIDE, SIDE, 3, true)) return false;
    if (!data_name_classes(job, CLASSES, class_names) ||
        !data_name_numbers(job, file ? beside : folder, "batches.meta.txt"))
        return false;
    if (job->d->classes != CLASSES)
        return err_set(job->err, ERR_USAGE, "%s: has %d name%s of classes; CIFAR-10 has %d classes",
                       job->options->path, job->d->classes, job->d->classes == 1 ? "" : "s",
                       CLASSES);
    for (int i = 1; i <= files; i++) {
        if (!file && !part_path(job, folder, i, path)) return false;
        if (!load_batch(job, file ? file : path, data_limited(job, total))) return false;
    }
    return true;
}
