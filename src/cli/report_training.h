/* The charts of the report, and the picture of EDDPM's scores. */
#ifndef DIFFC_CLI_REPORT_TRAINING_H
#define DIFFC_CLI_REPORT_TRAINING_H

#include "cli/html_text.h"
#include "cli/report_run.h"

/* The class of the style with a run's colour. Runs beyond these could not be told apart. */
enum { REPORT_MOST_RUNS = 8 };
const char *report_run_style(int run);

/* What the rows of a table of charts say over the updates of all runs together; then the held-out loss by noise level
 * of each run. Charts without values are left out. False: not enough memory. */
bool report_draw_charts(TextBuffer *h, const ReportRun *runs, int count);

/* How the mean scores of the steps change in the course of a run, and which steps its model keeps (report_scores.c);
 * nothing for a run that learns none. */
bool report_draw_scores(TextBuffer *h, const ReportRun *run, const char *style, bool named);

#endif
