/* Parts of the report's page: pictures and configuration. */
#ifndef DIFFC_CLI_REPORT_SECTIONS_H
#define DIFFC_CLI_REPORT_SECTIONS_H

#include "cli/html_text.h"
#include "cli/report_run.h"

/* Bytes of PNG files that a page holds at most, all runs together. */
enum { REPORT_PICTURE_BYTES = 6 << 20 };

/* Grids of the samples over the updates: of many an even choice with the first and the last, as many as find room;
 * how many there are is said. False: ERR_MEMORY. */
bool report_put_pictures(TextBuffer *h, const ReportRun *runs, int count, Err *err);

/* The keys whose values differ from the defaults, or between the runs; and all that the methods read. */
bool report_put_configuration(TextBuffer *h, const ReportRun *runs, int count);

/* The page's style, for light and dark screens and paper. */
void report_put_style(TextBuffer *h);

#endif
