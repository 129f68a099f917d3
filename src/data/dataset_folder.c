/* Folders of PNG and JPEG, searched with all their subfolders. The order is that of the path bytes,
 * so it depends neither on the file system nor on the locale. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "data/dataset_load.h"
#include "data/image_gate.h"

typedef struct {
    DataJob *job;
    const char *root, *part; /* part: the root's name in the data set's folder, or NULL */
    Names folders, files;    /* relative to the root, which is ""; files: images */
    size_t ignored;
    char example[256]; /* one of the ignored files */
} Search;

static bool short_of_memory(Search *s)
{
    return err_set(s->job->err, ERR_MEMORY, "%s: not enough memory for its list of files", s->root);
}

static bool was_seen(const Search *s, const struct stat *st)
{
    char path[PATH_BYTES];
    struct stat seen;
    for (size_t i = 0; i < s->folders.count; i++)
        if (path_join(path, s->root, s->folders.names[i], NULL) && stat(path, &seen) == 0 &&
            seen.st_dev == st->st_dev && seen.st_ino == st->st_ino)
            return true;
    return false;
}

static bool starts_like_image(const char *path)
{
    unsigned char start[IMAGE_SIGNATURE_BYTES];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return false;
    ssize_t got = read(fd, start, sizeof start);
    close(fd);
    return got > 0 && image_format(start, (size_t)got) != NULL;
}

/* Hidden names, and the files that macOS adds. */
static bool skipped_name(const char *name)
{
    return name[0] == '.' || strcmp(name, "__MACOSX") == 0;
}

/* One name in a folder: a folder waits, an image (by content, or by a name that promises one) is
 * listed, anything else is counted. */
static bool look_at(Search *s, const char *folder, const char *name)
{
    char relative[PATH_BYTES], path[PATH_BYTES];
    if (skipped_name(name)) return true;
    if (folder[0] == '\0') {
        if (!path_join(relative, ".", name, s->job->err)) return false;
        memmove(relative, relative + 2, strlen(relative) - 1);
    } else if (!path_join(relative, folder, name, s->job->err)) {
        return false;
    }
    if (!path_join(path, s->root, relative, s->job->err)) return false;
    struct stat st, link;
    bool there = stat(path, &st) == 0;
    if (there && S_ISDIR(st.st_mode)) {
        /* A link may lead back to a folder above it. */
        bool is_link = lstat(path, &link) == 0 && S_ISLNK(link.st_mode);
        return (is_link && was_seen(s, &st)) || names_add(&s->folders, relative) ||
               short_of_memory(s);
    }
    /* A pipe, a dangling link or an unreadable file with the name of an image counts as a bad
     * image. */
    if (image_named(name) || (there && S_ISREG(st.st_mode) && starts_like_image(path)))
        return names_add(&s->files, relative) || short_of_memory(s);
    if (s->ignored++ == 0) snprintf(s->example, sizeof s->example, "%s", name);
    return true;
}

static bool search(Search *s)
{
    if (!names_add(&s->folders, "")) return short_of_memory(s);
    for (size_t next = 0; next < s->folders.count; next++) {
        char path[PATH_BYTES];
        const char *folder = s->folders.names[next];
        Names names;
        if (!path_join(path, s->root, folder, s->job->err)) return false;
        Err bad = {0};
        if (!folder_list(path, &names, &bad)) {
            if (data_bad_image(s->job, &bad)) continue;
            return false;
        }
        bool ok = data_progress(s->job, 0, 0);
        for (size_t i = 0; ok && i < names.count; i++) ok = look_at(s, folder, names.names[i]);
        names_free(&names);
        if (!ok) return false;
    }
    names_sort(&s->files);
    return true;
}

/* The top-level folders' names in natural order, and the class that each is. */
typedef struct {
    ClassName name[DATA_MAX_CLASSES];
    int label[DATA_MAX_CLASSES];
    int count;
} Classes;

static int compare_names(const void *a, const void *b)
{
    return text_natural_order(a, b);
}

static int place_in(ClassName *names, int count, const char *name)
{
    for (int i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0) return i;
    return -1;
}

/* How many of the names come before this one by their bytes. */
static int bytes_before(const Classes *c, const char *name)
{
    int before = 0;
    for (int i = 0; i < c->count; i++) before += strcmp(c->name[i], name) < 0;
    return before;
}

static void number_classes(Classes *c, const DataOptions *o)
{
    bool known = o->class_order && o->class_count == c->count;
    for (int i = 0; i < c->count && known; i++)
        known = place_in(o->class_order, c->count, c->name[i]) >= 0;
    for (int i = 0; i < c->count; i++)
        c->label[i] = known            ? place_in(o->class_order, c->count, c->name[i])
                      : o->bytes_order ? bytes_before(c, c->name[i])
                                       : i;
}

static bool give_names(DataJob *job, const Classes *c)
{
    ClassName *names = mem_alloc((size_t)c->count, sizeof *names);
    bool ok =
        names || err_set(job->err, ERR_MEMORY, "%s: not enough memory for the names of its classes",
                         job->options->path);
    for (int i = 0; i < c->count && ok; i++) memcpy(names[c->label[i]], c->name[i], sizeof *names);
    ok = ok && data_name_classes(job, c->count, names);
    mem_free(names);
    return ok;
}

static bool class_name(const char *path, char *name, size_t size)
{
    const char *slash = strchr(path, '/');
    if (!slash || (size_t)(slash - path) >= size) return false;
    memcpy(name, path, (size_t)(slash - path));
    name[slash - path] = '\0';
    return true;
}

/* False where the folders are not classes; the reason is then in the data set. */
static bool find_classes(const Search *s, Classes *classes)
{
    Dataset *d = s->job->d;
    const char *at_top = NULL;
    size_t folders = 0;
    ClassName name, last = "", beyond = "";
    for (size_t i = 0; i < s->files.count; i++) {
        if (!class_name(s->files.names[i], name, sizeof name)) {
            if (!at_top) at_top = s->files.names[i];
            continue;
        }
        /* Sorted paths keep the files of a folder together. */
        if (strcmp(last, name) == 0) continue;
        memcpy(last, name, sizeof last);
        if (folders < DATA_MAX_CLASSES) memcpy(classes->name[folders], name, sizeof name);
        if (folders == DATA_MAX_CLASSES) memcpy(beyond, name, sizeof name);
        folders++;
    }
    if (at_top && folders == 0)
        snprintf(d->no_labels, sizeof d->no_labels, "%.300s holds no folders, one for each class",
                 s->root);
    else if (at_top)
        snprintf(
            d->no_labels, sizeof d->no_labels,
            "the image %.200s lies beside the %zu folder%s; each must lie in the folder of its "
            "class",
            at_top, folders, folders == 1 ? "" : "s");
    else if (folders > DATA_MAX_CLASSES)
        snprintf(d->no_labels, sizeof d->no_labels,
                 "%.150s holds %zu folders, more than %d classes; the first too many is %.100s",
                 s->root, folders, DATA_MAX_CLASSES, beyond);
    if (at_top || folders > DATA_MAX_CLASSES) return false;
    classes->count = (int)folders;
    qsort(classes->name, (size_t)classes->count, sizeof *classes->name, compare_names);
    number_classes(classes, s->job->options);
    return true;
}

static int class_of(const Classes *classes, const char *path)
{
    char name[256];
    if (!class_name(path, name, sizeof name)) return 0;
    const char *found =
        bsearch(name, classes->name, (size_t)classes->count, sizeof *classes->name, compare_names);
    if (!found) return 0;
    return classes->label[(found - classes->name[0]) / (ptrdiff_t)sizeof *classes->name];
}

/* The path of the image that was stored last, within the folder that the user named. */
static bool keep_name(Search *s, const char *relative)
{
    DataJob *job = s->job;
    char path[PATH_BYTES];
    if (s->part && !path_join(path, s->part, relative, job->err)) return false;
    char *copy = strdup(s->part ? path : relative);
    job->d->files[job->d->count - 1] = copy;
    return copy || short_of_memory(s);
}

/* An image that cannot be read is an error that names it; with skip_bad it is left out and listed. */
static bool load_file(Search *s, const char *relative, bool labelled, int label)
{
    DataJob *job = s->job;
    char path[PATH_BYTES];
    Image image;
    Err bad = {0};
    if (!path_join(path, s->root, relative, job->err)) return false;
    if (!image_load(path, job->options->config.channels, &image, &bad))
        return data_bad_image(job, &bad);
    job->file = relative;
    bool ok = job->room > 0 || data_reserve(job, s->files.count, image.height, image.width,
                                            image.channels, labelled);
    ok = ok && data_store(job, &image, label) && keep_name(s, relative);
    image_free(&image);
    return ok;
}

static bool load_files(Search *s)
{
    DataJob *job = s->job;
    if (s->files.count == 0 && s->ignored == 0)
        return err_set(job->err, ERR_IO, "%s: is an empty folder, expected images", s->root);
    if (s->files.count == 0) {
        char formats[64];
        image_formats_list(formats, sizeof formats);
        return err_set(job->err, ERR_FORMAT, "%s: holds no %s image (%zu other file%s, such as %s)",
                       s->root, formats, s->ignored, s->ignored == 1 ? "" : "s", s->example);
    }
    Classes *classes = malloc(sizeof *classes);
    if (!classes) return short_of_memory(s);
    bool labelled = find_classes(s, classes), ok = true;
    size_t wanted = data_limited(job, s->files.count);
    job->d->files = mem_alloc(wanted, sizeof *job->d->files);
    if (!job->d->files) ok = short_of_memory(s);
    for (size_t i = 0; ok && i < wanted; i++) {
        /* Spread over the list, because its beginning may be one class. */
        const char *file = s->files.names[(uint64_t)i * s->files.count / wanted];
        int label = labelled ? class_of(classes, file) : 0;
        ok = load_file(s, file, labelled, label) && data_progress(job, i + 1, wanted);
    }
    if (ok && job->d->count == 0)
        ok = err_set(job->err, ERR_FORMAT, "%s: none of its %zu images can be decoded", s->root,
                     wanted);
    ok = ok && (!labelled || give_names(job, classes));
    job->d->ignored = s->ignored;
    free(classes);
    return ok;
}

/* ---- parts: train/, test/ and val/ above the images or the classes ---- */

typedef enum { PART_NONE, PART_TRAINING, PART_TEST, PART_VALIDATION } Part;

static Part part_of(const char *name)
{
    static const struct {
        const char *name;
        Part part;
    } parts[] = {
        {"train", PART_TRAINING},       {"training", PART_TRAINING}, {"test", PART_TEST},
        {"testing", PART_TEST},         {"val", PART_VALIDATION},    {"valid", PART_VALIDATION},
        {"validation", PART_VALIDATION}};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (strcasecmp(parts[i].name, name) == 0) return parts[i].part;
    return PART_NONE;
}

const char *data_folder_part(const char *folder, const Names *names, bool test)
{
    const char *found[PART_VALIDATION + 1] = {NULL};
    for (size_t i = 0; i < names->count; i++) {
        const char *name = names->names[i];
        char path[PATH_BYTES];
        if (skipped_name(name)) continue;
        if (!path_join(path, folder, name, NULL)) return NULL;
        bool is_folder = path_is_folder(path);
        Part part = is_folder ? part_of(name) : PART_NONE;
        if (is_folder ? part == PART_NONE : image_named(name)) return NULL;
        if (part != PART_NONE) found[part] = name;
    }
    if (!found[PART_TRAINING]) return NULL;
    if (!test) return found[PART_TRAINING];
    return found[PART_TEST] ? found[PART_TEST] : found[PART_VALIDATION];
}

bool data_folder_load(DataJob *job, const char *part)
{
    char root[PATH_BYTES];
    const char *path = job->options->path;
    if (part && !path_join(root, path, part, job->err)) return false;
    if (job->options->config.class_names[0])
        return err_set(
            job->err, ERR_USAGE,
            "%s: data.class_names is for IDX and CIFAR-10 files; the classes of a folder "
            "have the names of the folders in it",
            path);
    Search s = {.job = job, .root = part ? root : path, .part = part};
    job->format = "folder";
    job->d->kind = DATA_FOLDER;
    snprintf(job->part, sizeof job->part, "%s%s", part ? " " : "", part ? part : "");
    bool ok = search(&s) && load_files(&s);
    names_free(&s.folders);
    names_free(&s.files);
    return ok;
}
