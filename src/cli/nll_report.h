/* What `diffc nll` reports: a line or an object for each image, their mean, and tables. Of several processes
 * (world.h) process 0 writes; all know the sums. */
#ifndef DIFFC_CLI_NLL_REPORT_H
#define DIFFC_CLI_NLL_REPORT_H

#include "cli/nll_score.h"

/* Begins the tables, so that a file that cannot be written is known before the work; drops those that were
 * not finished. */
bool nll_open_tables(NllJob *job, Err *err);
void nll_close_tables(NllJob *job);
/* Ends them with what they hold. */
bool nll_finish_tables(NllJob *job, Err *err);

/* Image number `image`, called `name`, in the order of the images. terms: of the protocol, where job->per_step is
 * wanted. */
bool nll_report_image(NllJob *job, size_t image, const char *name, const Likelihood *l,
                      const double *terms, Err *err);
/* Bits per dimension of all so far: the mean, NAN for none. */
double nll_report_mean(const NllJob *job);
/* The mean of all so far, when there are any. */
bool nll_report_summary(NllJob *job, Err *err);

#endif
