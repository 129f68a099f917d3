#include "cli/run_name.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* ---- a new run ---- */

bool run_free_name(const char *path, char *out, Err *err)
{
    char name[PATH_BYTES];
    if (!name_of_run(path, name, err)) return false;
    for (int i = 1; i < MOST_RUNS; i++) {
        int n = i == 1 ? snprintf(out, PATH_BYTES, RUNS "/%s", name)
                       : snprintf(out, PATH_BYTES, RUNS "/%s-%d", name, i);
        if (n >= PATH_BYTES) break;
        if (!path_exists(out)) return true;
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
static bool is_named(const char *run, const char *name)
{
    size_t length = strlen(name);
    if (strncmp(run, name, length) != 0) return false;
    const char *number = run + length;
    if (number[0] == '\0') return true;
    return number[0] == '-' && number[1] >= '1' && number[1] <= '9' && strcmp(number, "-1") != 0 &&
           number[1 + strspn(number + 1, "0123456789")] == '\0';
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

/* Whether a run trains on the data. `lack`: why it does not, as words that follow its name. */
static bool trains_on(const char *run, const char *data, Err *lack)
{
    Config c;
    Err why = {0};
    config_defaults(&c);
    bool same = false;
    if (!trainer_run_config(run, &c, &why))
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
    char name[PATH_BYTES], newest[PATH_BYTES] = "";
    bool found = false;
    if (!name_of_run(path, name, err) || (path_is_folder(RUNS) && !run_list_open(&l, RUNS, err)))
        return false;
    /* Another run must not take the place of one that could not be looked at for lack of memory. */
    for (size_t i = 0; i < l.count && !found && lack.kind != ERR_MEMORY; i++) {
        if (!is_named(l.run[i].name, name) || !path_join(out, RUNS, l.run[i].name, NULL) ||
            !trainer_check_run(out, true, &lack))
            continue;
        found = !data || trains_on(out, path, &lack);
        if (found || newest[0]) continue;
        memcpy(newest, out, PATH_BYTES);
        first = lack;
    }
    if (l.run) run_list_close(&l);
    return found ||
           none_to_resume(path, name, newest, lack.kind == ERR_MEMORY ? &lack : &first, err);
}

/* ---- where --out may lie ---- */

/* The real path of the nearest folder above a path that exists; *itself: of what is there already. False where even the
 * current folder is gone. */
static bool nearest_folder(const char *path, char out[PATH_BYTES], bool *itself)
{
    char place[PATH_BYTES], above[PATH_BYTES];
    snprintf(place, sizeof place, "%.*s", (int)path_length(path), path);
    *itself = true;
    for (;;) {
        char *whole = realpath(place, NULL);
        bool found = whole && strlen(whole) < PATH_BYTES;
        if (found) snprintf(out, PATH_BYTES, "%s", whole);
        free(whole);
        path_parent(above, place);
        if (found || strcmp(above, place) == 0) return found;
        memcpy(place, above, PATH_BYTES);
        *itself = false;
    }
}

bool run_folder_check(const char *run, const char *data, Err *err)
{
    char folder[PATH_BYTES], above[PATH_BYTES];
    bool itself;
    if (!nearest_folder(run, folder, &itself)) return true;
    char *pictures = data[0] && itself ? realpath(data, NULL) : NULL;
    bool same = pictures && strcmp(pictures, folder) == 0;
    free(pictures);
    if (same)
        return err_set(err, ERR_USAGE,
                       "--out %.300s is the folder of the data; give the run one of its own", run);
    for (;;) {
        if (!itself && folder_is_run(folder))
            return err_set(err, ERR_USAGE,
                           "--out %.300s lies in the run %.300s; give another --out", run, folder);
        path_parent(above, folder);
        if (strcmp(above, folder) == 0) return true;
        memcpy(folder, above, PATH_BYTES);
        itself = false;
    }
}

void run_parent(const char *run, char runs[PATH_BYTES])
{
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%.*s", (int)path_length(run), run);
    path_parent(runs, run[0] ? path : RUNS "/new");
}
