/* The folder of a run that --out does not name. */
#ifndef DIFFC_RUN_NAME_H
#define DIFFC_RUN_NAME_H

#include "base/err.h"

/* out (PATH_BYTES): runs/NAME, where NAME is the last part of the path of the configuration or the data, or
 * runs/NAME-2, runs/NAME-3, ...: the first that is free, or with `resume` the last that is taken. A file's name loses
 * its ending; "." and the like give the name of the folder that they mean. ERR_USAGE where there is no name;
 * ERR_IO where there is no run to resume. */
bool run_by_name(const char *path, bool resume, char *out, Err *err);

#endif
