#include "cli/run_name.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/term.h"
#include "base/world.h"
#include "data/dataset.h"
#include "data/folder_search.h"
#include "model/model.h"
#include "train/trainer.h"

#define RUNS "runs"

enum { MOST_RUNS = 10000 };

/* The length of a path without slashes at its end, but for the one of "/". */
static size_t path_length(const char *path)
{
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/') length--;
    return length;
}

/* The last part of a path without slashes at its end; "" of "/". */
static void last_part(const char *path, char name[PATH_BYTES])
{
    size_t end = path_length(path), start = end;
    while (start > 0 && path[start - 1] != '/') start--;
    snprintf(name, PATH_BYTES, "%.*s", (int)(end - start), path + start);
}

static bool name_of_run(const char *path, char name[PATH_BYTES], Err *err)
{
    last_part(path, name);
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
        char *whole = realpath(path, NULL);
        last_part(whole ? whole : "", name);
        free(whole);
    }
    char *dot = strrchr(name, '.');
    if (dot && dot != name && !path_is_folder(path)) *dot = '\0';
    return name[0] ||
           err_set(err, ERR_USAGE, "%s: gives the run no name; give one with --out", path);
}

/* Whether runs/NAME-N would be the first run of another configuration, NAME-N.json beside `path`. */
static bool is_of_another(const char *path, const char *name_n)
{
    char folder[PATH_BYTES], other[PATH_BYTES], file[PATH_BYTES];
    path_parent(folder, path);
    return path_join(other, folder, name_n, NULL) &&
           snprintf(file, sizeof file, "%s.json", other) < PATH_BYTES && path_exists(file);
}

/* ---- a new run ---- */

bool run_free_name(const char *path, char *out, Err *err)
{
    char name[PATH_BYTES];
    if (!name_of_run(path, name, err)) return false;
    for (int i = 1; i < MOST_RUNS; i++) {
        int n = i == 1 ? snprintf(out, PATH_BYTES, RUNS "/%s", name)
                       : snprintf(out, PATH_BYTES, RUNS "/%s-%d", name, i);
        if (n >= PATH_BYTES) break;
        if (path_exists(out) || (i > 1 && is_of_another(path, out + strlen(RUNS "/")))) continue;
        return true;
    }
    return err_set(err, ERR_USAGE,
                   "no name for the run is free under " RUNS "/; give one with --out");
}

/* Another process may make the folder just before this one does: then the next name is taken. */
static bool take_name(const char *path, char *out, Err *err)
{
    if (!folder_make(RUNS, err)) return false;
    for (;;) {
        if (!run_free_name(path, out, err)) return false;
        if (mkdir(out, 0777) == 0) return parent_sync(out, err);
        if (errno != EEXIST || !path_exists(out)) return folder_make(out, err);
    }
}

bool run_take_name(const char *path, char *out, Err *err)
{
    if (!world_agree(world_rank() > 0 || take_name(path, out, err), err)) return false;
    world_broadcast(out, PATH_BYTES);
    return true;
}

/* ---- a run that goes on ---- */

/* Whether run_free_name could have given this name. */
static bool is_named(const char *run, const char *name, const char *path)
{
    size_t length = strlen(name);
    if (strncmp(run, name, length) != 0) return false;
    const char *number = run + length;
    if (number[0] == '\0') return true;
    return number[0] == '-' && number[1] >= '1' && number[1] <= '9' && strcmp(number, "-1") != 0 &&
           number[1 + strspn(number + 1, "0123456789")] == '\0' && !is_of_another(path, run);
}

static bool is_same_data(const char *data, const char *path)
{
    char *whole = realpath(dataset_place(data), NULL);
    char *other = path[0] ? realpath(dataset_place(path), NULL) : NULL;
    bool same = whole && other ? strcmp(whole, other) == 0 : strcmp(data, path) == 0;
    free(whole);
    free(other);
    return same;
}

/* Whether a run trains on the data. `lack`: why it does not, as words that follow its name; *read: whether that is
 * known. */
static bool trains_on(const char *run, const char *data, bool *read, Err *lack)
{
    Config c;
    Err why = {0};
    config_defaults(&c);
    bool same = false;
    *read = trainer_run_config(run, &c, &why);
    if (!*read)
        err_set(lack, why.kind, "cannot be read (%.400s)", why.text);
    else if (!(same = is_same_data(data, c.data.path)))
        err_set(lack, ERR_USAGE, "trains on %.300s",
                c.data.path[0] ? c.data.path : toy_words[c.data.toy]);
    config_free(&c);
    return same;
}

/* newest: the newest run of the name, "" for none; lack: why it is not resumed. */
static bool none_to_resume(const char *path, const char *name, const char *newest, const Err *lack,
                           Err *err)
{
    if (lack->kind == ERR_MEMORY) return err_set(err, lack->kind, "%s", lack->text);
    if (!newest[0])
        return err_set(err, ERR_IO,
                       RUNS "/%s: there is no run to resume; name one with --out or start "
                            "without --resume",
                       name);
    return err_set(err, ERR_USAGE,
                   "%.250s: the newest run of this name, %.250s, %s; if the images are the same, "
                   "--out %.250s --resume continues it",
                   path, newest, lack->text, newest);
}

bool run_to_resume(const char *path, bool data, char *out, Err *err)
{
    RunList l = {.count = 0};
    Err lack = {0}, first = {0};
    char name[PATH_BYTES], newest[PATH_BYTES] = "", unread[sizeof lack.text + PATH_BYTES] = "";
    bool found = false, read;
    if (!name_of_run(path, name, err) || (path_is_folder(RUNS) && !run_list_open(&l, RUNS, err)))
        return false;
    /* Another run must not take the place of one that could not be looked at for lack of memory. */
    for (size_t i = 0; i < l.count && !found && lack.kind != ERR_MEMORY; i++) {
        if (!is_named(l.run[i].name, name, path) || !path_join(out, RUNS, l.run[i].name, NULL) ||
            !trainer_check_run(out, true, &lack))
            continue;
        found = !data || trains_on(out, path, &read, &lack);
        if (found) continue;
        if (!read && !unread[0]) snprintf(unread, sizeof unread, "%s %s", out, lack.text);
        if (newest[0]) continue;
        memcpy(newest, out, PATH_BYTES);
        first = lack;
    }
    if (l.run) run_list_close(&l);
    if (found && unread[0]) term_note("note: a newer run is passed over: %s", unread);
    return found ||
           none_to_resume(path, name, newest, lack.kind == ERR_MEMORY ? &lack : &first, err);
}

/* ---- where --out may lie ---- */

/* The real path that a path has, or will have once it is made. False where even the current folder is gone. */
static bool real_place(const char *path, char out[PATH_BYTES])
{
    char there[PATH_BYTES];
    size_t length = path_length(path), end = length;
    for (;;) {
        snprintf(there, sizeof there, "%.*s", end ? (int)end : 1, end ? path : ".");
        char *whole = realpath(there, NULL);
        bool fits = whole && snprintf(out, PATH_BYTES, "%s%s%.*s", whole, end < length ? "/" : "",
                                      (int)(length - end), path + end) < PATH_BYTES;
        free(whole);
        if (whole || end == 0) return fits;
        while (end > 0 && path[end - 1] != '/') end--;
        while (end > 1 && path[end - 1] == '/') end--;
    }
}

/* Whether there is a folder that holds more than what a run leaves in its own. */
static bool holds_other_files(const char *folder)
{
    Names found;
    bool other = false;
    if (!path_is_folder(folder) || !folder_list(folder, &found, NULL)) return false;
    for (size_t i = 0; i < found.count && !other; i++)
        other = !folder_skips(found.names[i]) && !trainer_run_keeps(found.names[i]);
    names_free(&found);
    return other;
}

/* Whether a run at `place` would take the data, or one of their folders, out of the data. */
static bool takes_data(const char *place, const char *data)
{
    char *whole = data[0] ? realpath(dataset_place(data), NULL) : NULL;
    size_t length = whole ? path_length(whole) : 0;
    bool inside = whole && strncmp(place, whole, length) == 0 &&
                  (place[length] == '/' || place[length] == '\0');
    free(whole);
    return inside && !folder_is_run(place) && holds_other_files(place);
}

bool run_folder_check(const char *run, const char *data, Err *err)
{
    char place[PATH_BYTES], above[PATH_BYTES], name[PATH_BYTES];
    if (!real_place(run, place)) return true;
    if (takes_data(place, data))
        return err_set(err, ERR_USAGE,
                       "--out %.300s is a folder of the data; give the run one of its own", run);
    for (;;) {
        path_parent(above, place);
        last_part(place, name);
        if (strcmp(above, place) == 0) return true;
        if (trainer_run_keeps(name) && folder_is_run(above))
            return err_set(err, ERR_USAGE,
                           "--out %.300s lies in the run %.300s; give another --out", run, above);
        memcpy(place, above, PATH_BYTES);
    }
}

void run_parent(const char *run, char runs[PATH_BYTES])
{
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%.*s", (int)path_length(run), run);
    path_parent(runs, run[0] ? path : RUNS "/new");
}
