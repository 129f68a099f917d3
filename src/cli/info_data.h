/* What `info` shows of the data that a run was trained on. */
#ifndef DIFFC_CLI_INFO_DATA_H
#define DIFFC_CLI_INFO_DATA_H

#include "diffc/json.h"

/* Of the run in this folder, "": nothing. Of runs of older releases only the path is known. */
void data_lines(const char *run);
/* The member "data" of the open object. */
void data_json(JsonWriter *w, const char *run);

#endif
