/* The folder of a run that --out does not name, and what --out may name. */
#ifndef DIFFC_RUN_NAME_H
#define DIFFC_RUN_NAME_H

#include <stdbool.h>

#include "base/err.h"
#include "base/fsio.h"

/* A run is called runs/NAME, where NAME is the last part of the path of the configuration or the data, or runs/NAME-2,
 * runs/NAME-3, ... Where NAME-2.json lies beside it, NAME-2 is the name of that configuration's run. A file's name loses
 * its ending; "." and the like give the name of the folder that they mean. ERR_USAGE where there is no name. Every `out`
 * has PATH_BYTES. */

/* The first of these names that is free. */
bool run_free_name(const char *path, char *out, Err *err);
/* The same, and makes the folder, so that no other process takes the name. All processes (base/world.h) call it and
 * get the name. */
bool run_take_name(const char *path, char *out, Err *err);
/* Of the runs with these names, in whatever numbers, the one that was worked on last (run_list_open). Where `data` is
 * set, `path` is what is trained on, and runs that train on something else, or that cannot be read, which is said, are
 * passed over. ERR_IO where no run has such a name, ERR_USAGE where none of them trains on `path`. */
bool run_to_resume(const char *path, bool data, char *out, Err *err);

/* Whether a new run may lie there: ERR_USAGE where it would make the images of a folder of the data ("": no data) its
 * own, or lies in a folder that a run keeps. */
bool run_folder_check(const char *run, const char *data, Err *err);
/* The folder that holds the run's: "runs" of "", a run that has no name yet. */
void run_parent(const char *run, char runs[PATH_BYTES]);

#endif
