/* What `info` shows of the data that a run was trained on. */
#ifndef DIFFC_CLI_INFO_DATA_H
#define DIFFC_CLI_INFO_DATA_H

#include "io/json.h"

/* Of the run in this folder, "": nothing. Of runs of older releases only the path is known. False when
 * memory is short or the checkpoints cannot be listed. */
bool data_lines(const char *run, Err *err);
/* The member "data" of the open object. */
bool data_json(JsonWriter *w, const char *run, Err *err);

#endif
