/* The log of a run as a table for other programs. */
#ifndef DIFFC_CLI_INFO_CSV_H
#define DIFFC_CLI_INFO_CSV_H

#include <stdbool.h>

#include "base/err.h"

/* Writes stats.jsonl of the run in the folder `run` to stdout as comma-separated values. The first line names
 * the columns: event, step, then every other key in the order in which the log has them. Each object of the log
 * is a line; what it has not is empty. Each element of an array is a line of its own after it: its event is
 * EVENT.KEY ("validation.levels"), `place` counts it from 0, and a number or string stands in the column
 * `value`. Quoted as in RFC 4180; lines end with a newline alone. Lines that are no objects are left out and
 * counted in a note. */
bool info_csv(const char *run, Err *err);

#endif
