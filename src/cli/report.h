/* The report of a run or several: one HTML file that needs nothing else and runs no script. */
#ifndef DIFFC_CLI_REPORT_H
#define DIFFC_CLI_REPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

#define REPORT_NAME "report.html" /* in the run's folder */

typedef struct {
    size_t bytes;
    unsigned long long lines, bad; /* of the logs: objects, and what is none */
} ReportWritten;

/* Reads the runs and writes their report to `out` (fsio's guarantees; symbolic links are followed). count: up to
 * REPORT_MOST_RUNS. What a run lacks is left out or said on the page; ERR_USAGE and ERR_IO for what is no run, has no
 * statistics or is named twice; ERR_MEMORY. *err must be empty. */
bool report_write(const char *const *paths, int count, const char *out, ReportWritten *written,
                  Err *err);

#endif
