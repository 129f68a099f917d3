/* Names for the classes of files whose labels are numbers (IDX, CIFAR-10). */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "data/dataset_load.h"

enum { FILE_LIMIT = 1 << 20 };

/* The names being read, and where they stand, for messages. */
typedef struct {
    DataJob *job;
    char where[PATH_BYTES]; /* "data.class_names" or the file */
    ErrKind wrong;          /* of names that cannot be used: ERR_USAGE or ERR_FORMAT */
    ClassName names[DATA_MAX_CLASSES];
    int count;
} Reading;

/* Spaces at both ends do not count. */
static bool add(Reading *r, const char *text, size_t length)
{
    Err *err = r->job->err;
    while (length > 0 && (text[length - 1] == ' ' || text[length - 1] == '\r')) length--;
    while (length > 0 && *text == ' ') text++, length--;
    if (length == 0)
        return err_set(err, r->wrong, "%s: the name of class %d is empty", r->where, r->count);
    if (r->count == DATA_MAX_CLASSES)
        return err_set(err, r->wrong,
                       "%s: has more than %d names, the most classes that there can be; the first "
                       "too many is %.*s",
                       r->where, DATA_MAX_CLASSES, length < 100 ? (int)length : 100, text);
    if (length >= sizeof(ClassName))
        return err_set(err, r->wrong,
                       "%s: the name of class %d has %zu bytes; it must have at most %zu", r->where,
                       r->count, length, sizeof(ClassName) - 1);
    memcpy(r->names[r->count], text, length);
    for (int i = 0; i < r->count; i++)
        if (strcmp(r->names[i], r->names[r->count]) == 0)
            return err_set(err, r->wrong, "%s: classes %d and %d have the same name, %s", r->where,
                           i, r->count, r->names[i]);
    for (size_t i = 0; i < length;) {
        int step = utf8_sequence(r->names[r->count] + i, length - i);
        if (step == 0)
            return err_set(err, r->wrong, "%s: the name of class %d, %s, is not UTF-8", r->where,
                           r->count, r->names[r->count]);
        i += (size_t)step;
    }
    r->count++;
    return true;
}

/* The names between these separators; what is empty at the end is none. */
static bool add_all(Reading *r, const char *text, char separator)
{
    size_t length = strlen(text);
    while (separator == '\n' && length > 0 && strchr(" \r\n", text[length - 1])) length--;
    const char *end = text + length;
    for (;;) {
        const char *stop = memchr(text, separator, (size_t)(end - text));
        if (!add(r, text, (size_t)((stop ? stop : end) - text))) return false;
        if (!stop) return true;
        text = stop + 1;
    }
}

static bool read_names(Reading *r, const char *path)
{
    FileBytes file;
    snprintf(r->where, sizeof r->where, "%s", path);
    r->wrong = ERR_FORMAT;
    if (!file_read(path, FILE_LIMIT, &file, r->job->err)) return false;
    bool ok =
        strlen((const char *)file.bytes) == file.size ||
        err_set(r->job->err, ERR_FORMAT, "%s: is no text file, expected a name on each line", path);
    ok = ok && add_all(r, (const char *)file.bytes, '\n');
    file_free(&file);
    return ok;
}

/* Where the names come from; without any, count stays 0. */
static bool find_names(Reading *r, const char *folder, const char *name)
{
    const char *given = r->job->options->config.class_names;
    char path[PATH_BYTES];
    snprintf(r->where, sizeof r->where, "data.class_names");
    r->wrong = ERR_USAGE;
    if (strchr(given, ',')) return add_all(r, given, ',');
    if (*given && !path_exists(given))
        return err_set(r->job->err, ERR_USAGE,
                       "data.class_names is \"%s\", and there is no such file; it must be a text "
                       "file with a name on each line, or a list of names with commas between",
                       given);
    if (*given) return read_names(r, given);
    return path_join(path, folder, name, r->job->err) &&
           (!path_exists(path) || read_names(r, path));
}

bool data_name_numbers(DataJob *job, const char *folder, const char *name)
{
    Dataset *d = job->d;
    bool given = job->options->config.class_names[0];
    if (d->classes == 0)
        return !given || err_set(job->err, ERR_USAGE,
                                 "data.class_names is given, but the data has no class labels: %s",
                                 d->no_labels);
    Reading *r = mem_alloc(1, sizeof *r);
    if (!r)
        return err_set(job->err, ERR_MEMORY, "%s: not enough memory for the names of its classes",
                       job->options->path);
    r->job = job;
    bool ok = find_names(r, folder, name);
    if (ok && r->count > 0 && r->count < d->classes)
        ok = err_set(job->err, ERR_USAGE,
                     "%s: has %d name%s, but the labels of %s go up to %d, so %d are needed",
                     r->where, r->count, r->count == 1 ? "" : "s", job->options->path,
                     d->classes - 1, d->classes);
    if (ok && r->count > 0) ok = data_name_classes(job, r->count, r->names);
    mem_free(r);
    return ok;
}
