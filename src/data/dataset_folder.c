/* Folders of PNG and JPEG, searched with all their subfolders. The order is that of the path bytes,
 * so it depends neither on the file system nor on the locale. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/text.h"
#include "data/folder_images.h"
#include "data/folder_search.h"
#include "data/image_gate.h"

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
static bool find_classes(const FolderSearch *s, Classes *classes)
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

/* Folders beside those of the classes: they are left out, so that a class that was meant is said. "runs" is none: training
 * inside the folder makes it. */
static void find_empty(const FolderSearch *s, const Classes *classes)
{
    Dataset *d = s->job->d;
    for (size_t i = 0; classes->count > 0 && i < s->folders.count; i++) {
        const char *name = s->folders.names[i];
        if (!*name || strchr(name, '/') || strcmp(name, "runs") == 0 ||
            bsearch(name, classes->name, (size_t)classes->count, sizeof *classes->name,
                    compare_names))
            continue;
        if (d->empty++ == 0 || text_natural_order(name, d->empty_name) < 0)
            snprintf(d->empty_name, sizeof d->empty_name, "%s", name);
    }
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

/* The class of each file that is read, the classes' names, and folders that are no classes. */
static bool label_files(FolderImages *f, const Classes *classes)
{
    DataJob *job = f->job;
    find_empty(f->search, classes);
    f->labels = mem_alloc(f->wanted, 1);
    if (!f->labels) return folder_search_memory(f->search);
    for (size_t i = 0; i < f->wanted; i++)
        f->labels[i] = (unsigned char)class_of(classes, folder_image_name(f, i));
    return give_names(job, classes);
}

static bool load_files(FolderSearch *s)
{
    DataJob *job = s->job;
    if (s->files.count == 0 && s->ignored == 0 && s->runs == 0)
        return err_set(job->err, ERR_IO, "%s: is an empty folder, expected images", s->root);
    if (s->files.count == 0 && s->runs > 0)
        return err_set(job->err, ERR_FORMAT,
                       "%s: holds no images of its own; the %zu run%s of diffc train in it %s left "
                       "out",
                       s->root, s->runs, s->runs == 1 ? "" : "s", s->runs == 1 ? "is" : "are");
    if (s->files.count == 0) {
        char formats[64];
        image_formats_list(formats, sizeof formats);
        return err_set(job->err, ERR_FORMAT, "%s: holds no %s image (%zu other file%s, such as %s)",
                       s->root, formats, s->ignored, s->ignored == 1 ? "" : "s", s->example);
    }
    FolderImages f = {.job = job, .search = s, .wanted = data_limited(job, s->files.count)};
    Classes *classes = mem_alloc(1, sizeof *classes);
    bool ok =
        classes ? !find_classes(s, classes) || label_files(&f, classes) : folder_search_memory(s);
    mem_free(classes);
    ok = ok && folder_images_read(&f);
    mem_free(f.labels);
    job->d->ignored = s->ignored;
    job->d->runs = s->runs;
    job->d->repeated = s->repeated;
    job->d->file_names = s->file_names;
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

/* *image: whether what is no part is, or holds, an image. */
static bool look_beside(const char *folder, const char *name, bool *image, Err *err)
{
    char path[PATH_BYTES];
    *image = false;
    if (folder_skips(name)) return true;
    if (!path_join(path, folder, name, err)) return false;
    if (path_is_folder(path))
        return part_of(name) != PART_NONE || folder_holds_images(path, image, err);
    *image = image_named(name);
    return true;
}

bool data_folder_part(const char *folder, const Names *names, bool test, const char **part,
                      const char **beside, Err *err)
{
    const char *found[PART_VALIDATION + 1] = {NULL}, *other = NULL;
    *part = NULL;
    for (size_t i = 0; i < names->count; i++) {
        char path[PATH_BYTES];
        Part named = part_of(names->names[i]);
        if (named == PART_NONE) continue;
        if (!path_join(path, folder, names->names[i], err)) return false;
        if (path_is_folder(path)) found[named] = names->names[i];
    }
    if (!found[PART_TRAINING]) return true;
    for (size_t i = 0; i < names->count && !other; i++) {
        bool image;
        if (!look_beside(folder, names->names[i], &image, err)) return false;
        if (image) other = names->names[i];
    }
    const char *apart = found[PART_TEST] ? found[PART_TEST] : found[PART_VALIDATION];
    if (beside && apart) *beside = other;
    if (!other) *part = test ? apart : found[PART_TRAINING];
    return true;
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
    FolderSearch s = {.job = job, .root = part ? root : path, .part = part};
    job->format = "folder";
    job->d->kind = DATA_FOLDER;
    snprintf(job->part, sizeof job->part, "%s%s", part ? " " : "", part ? part : "");
    if (job->beside) {
        char name[64];
        text_escape(name, sizeof name, job->beside);
        snprintf(job->part, sizeof job->part,
                 "; train and test in one, because %s lies beside them", name);
    }
    bool ok = folder_search(&s) && load_files(&s);
    folder_search_free(&s);
    return ok;
}
