/* Results on stdout, and the names of files. */
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fsio.h"
#include "base/term.h"
#include "base/world.h"
#include "cli/cli.h"

static int lost; /* errno of the first write that failed, 0: none */

static void flush(void)
{
    errno = 0;
    if ((fflush(stdout) != 0 || ferror(stdout)) && !lost) lost = errno ? errno : EIO;
}

const char *program_name(const char *called)
{
    static const char *name = "diffc";
    if (called) name = called;
    return name;
}

void output_line(const char *format, ...)
{
    /* Both on one screen: the line must not continue the progress line. */
    if (term_is_interactive() && isatty(STDOUT_FILENO)) term_progress_end();
    va_list args;
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
    flush();
}

void output_begin(JsonWriter *w)
{
    json_write_init(w, 0);
    json_begin_object(w, NULL);
}

bool output_json(JsonWriter *w, Err *err)
{
    json_end_object(w);
    const char *text = json_text(w);
    if (text) output_line("%s", text);
    json_write_free(w);
    return text || err_set(err, ERR_MEMORY, "not enough memory for the result's JSON text");
}

bool output_close(Err *err)
{
    flush();
    if (!lost) return true;
    if (lost == EPIPE) return err_set(err, ERR_IO, "%s", "");
    errno = lost;
    return err_set_errno(err, "the standard output cannot be written");
}

/* A name may have none, and a device or a pipe any. */
static bool check_ending(const char *option, const char *path, const char *end, Err *err)
{
    const char *slash = strrchr(path, '/'), *dot = strrchr(slash ? slash : path, '.');
    return !dot || strcasecmp(dot + 1, end) == 0 || output_is_special(path) ||
           err_set(err, ERR_USAGE,
                   "--%s is %s, but it is written as %s; give it a name that ends in .%s", option,
                   path, strcmp(end, "png") == 0 ? "PNG" : end, end);
}

bool check_output_file(const char *option, const char *path, const char *end, Err *err)
{
    size_t length = path ? strlen(path) : 0;
    if (!path || world_rank() > 0) return true;
    if (path_is_folder(path) || path[length - 1] == '/')
        return err_set(err, ERR_USAGE, "--%s is %s, a folder; name a file, such as %s%sout.%s",
                       option, path, path, path[length - 1] == '/' ? "" : "/", end);
    return check_ending(option, path, end, err) && output_check(path, err);
}

bool check_output_folder(const char *path, Err *err)
{
    if (!path || world_rank() > 0 || !path_exists(path)) return true;
    return folder_make(path, err) && folder_check(path, err);
}

/* Whether writing to `o` replaces what is at `path`; file: what `o` calls it. */
static bool writes_to(const NamedOutput *o, const char *path, char file[PATH_BYTES])
{
    char name[NUMBERED_NAME_BYTES];
    if (!o->path || !path) return false;
    if (!o->name) {
        snprintf(file, PATH_BYTES, "%s", o->path);
        return output_is_same(o->path, path);
    }
    uint64_t files = path_is_folder(o->path) ? o->count : 0;
    for (uint64_t i = 0; i < files; i++) {
        o->name(name, o->first + i);
        if (path_join(file, o->path, name, NULL) && output_is_same(file, path)) return true;
    }
    return false;
}

/* Files of two folders have names of two kinds. */
static bool check_pair(const NamedOutput *a, const NamedOutput *b, Err *err)
{
    char file[PATH_BYTES];
    if (a->name) {
        const NamedOutput *folder = a;
        a = b;
        b = folder;
    }
    if (a->name || !writes_to(b, a->path, file)) return true;
    if (b->name)
        return err_set(err, ERR_USAGE, "--%s is %s, which --%s writes too; give it another name",
                       a->option, a->path, b->option);
    return err_set(err, ERR_USAGE, "--%s and --%s are one file, %s; give each a name of its own",
                   a->option, b->option, a->path);
}

bool check_outputs(const NamedOutput *outputs, size_t count, const char *const *inputs,
                   size_t input_count, Err *err)
{
    char file[PATH_BYTES];
    if (world_rank() > 0) return true;
    for (const NamedOutput *a = outputs; a < outputs + count; a++) {
        for (size_t i = 0; i < input_count; i++)
            if (writes_to(a, inputs[i], file))
                return err_set(err, ERR_USAGE,
                               "--%s %s %s, a file that is read and would be lost; give another %s",
                               a->option, a->name ? "would replace" : "is", file,
                               a->name ? "folder" : "name");
        for (const NamedOutput *b = a + 1; b < outputs + count; b++)
            if (!check_pair(a, b, err)) return false;
    }
    return true;
}

/* Whether writing to `path` changes or makes a file in the folder or below it. */
static bool writes_into(const char *path, const char *folder)
{
    char place[PATH_BYTES], own[PATH_MAX], whole[PATH_MAX];
    if (output_is_special(path) || !output_place(path, place, NULL)) return false;
    char *end = strrchr(place, '/');
    if (end) end[1] = '\0';
    if (!realpath(end ? place : ".", own) || !realpath(folder, whole)) return false;
    size_t length = strlen(whole);
    if (length == 1) length = 0; /* the folder "/" */
    return strncmp(own, whole, length) == 0 && (own[length] == '/' || own[length] == '\0');
}

bool check_not_among(const char *option, const char *path, const char *folder, bool takes_all,
                     Err *err)
{
    if (!path || world_rank() > 0 || !writes_into(path, folder)) return true;
    if (output_replaces(path))
        return err_set(err, ERR_USAGE,
                       "--%s is %s, a file that is in %s, whose images are read, and would be "
                       "lost; give another name",
                       option, path, folder);
    return !takes_all ||
           err_set(err, ERR_USAGE,
                   "--%s is %s, which would be one more image of %s; give a name in another folder",
                   option, path, folder);
}

bool free_file_name(const char *stem, const char *end, char *out, Err *err)
{
    enum { MOST = 100000 };
    for (int i = 1; i < MOST; i++) {
        int n = snprintf(out, PATH_BYTES, "%s-%d.%s", stem, i, end);
        if (n < 0 || n >= PATH_BYTES) break;
        if (!path_exists(out)) return true;
    }
    return err_set(err, ERR_USAGE,
                   "%.200s-1.%s and so on: no such name is free; give one with --out", stem, end);
}

bool file_is_there(const char *path)
{
    return path && output_replaces(path);
}

bool file_is_stdout(const char *path)
{
    struct stat file, out;
    return path && stat(path, &file) == 0 && fstat(STDOUT_FILENO, &out) == 0 &&
           file.st_dev == out.st_dev && file.st_ino == out.st_ino;
}

void output_names(const char *const *paths, int count)
{
    for (int i = 0; i < count; i++)
        if (file_is_stdout(paths[i])) return;
    for (int i = 0; i < count; i++)
        if (paths[i]) output_line("%s", paths[i]);
}

void note_replaced(const char *path, bool replaced)
{
    if (replaced) term_note("replaced %s", path);
}

bool output_picture(const char *path, const Image *picture, const char *text, Err *err)
{
    char place[PATH_BYTES];
    return output_place(path, place, err) && image_save_png(place, picture, text, err);
}

void format_amount(char out[AMOUNT_BYTES], double value, const char *unit)
{
    static const char *const prefixes[] = {"", "k", "M", "G", "T", "P"};
    int power = 0;
    for (; value >= 999.5 && power < 5; power++) value /= 1000;
    const char *space = power > 0 || *unit ? " " : "";
    snprintf(out, AMOUNT_BYTES, "%.3g%s%s%s", value, space, prefixes[power], unit);
}

void format_speed(char out[AMOUNT_BYTES], double per_second)
{
    snprintf(out, AMOUNT_BYTES, per_second < 999.5 ? "%.3g" : "%.0f", per_second);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double median(double *values, int n)
{
    CHECK(n > 0);
    qsort(values, (size_t)n, sizeof *values, by_value);
    return n % 2 ? values[n / 2] : 0.5 * (values[n / 2 - 1] + values[n / 2]);
}
