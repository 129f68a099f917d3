#include "cli/run_name.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fsio.h"

enum { MOST_RUNS = 10000 };

/* The last part of a path without slashes at its end; "" of "/". */
static void last_part(const char *path, char name[PATH_BYTES])
{
    size_t end = strlen(path);
    while (end > 0 && path[end - 1] == '/') end--;
    size_t start = end;
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

bool run_by_name(const char *path, bool resume, char *out, Err *err)
{
    char last[PATH_BYTES] = "", name[PATH_BYTES];
    if (!name_of_run(path, name, err)) return false;
    for (int i = 1; i < MOST_RUNS; i++) {
        int n = i == 1 ? snprintf(out, PATH_BYTES, "runs/%s", name)
                       : snprintf(out, PATH_BYTES, "runs/%s-%d", name, i);
        if (n >= PATH_BYTES) break;
        if (path_exists(out)) {
            memcpy(last, out, PATH_BYTES);
            continue;
        }
        if (!resume) return true;
        if (last[0]) memcpy(out, last, PATH_BYTES);
        return last[0] || err_set(err, ERR_IO,
                                  "%s: there is no run to resume; name one with "
                                  "--out or start without --resume",
                                  out);
    }
    return err_set(err, ERR_USAGE, "no name for the run is free under runs/; give one with --out");
}
