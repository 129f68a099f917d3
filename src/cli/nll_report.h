/* The results of `diffc nll`: a line or an object for each image, their mean, and tables. */
#ifndef DIFFC_CLI_NLL_REPORT_H
#define DIFFC_CLI_NLL_REPORT_H

#include "base/fsio.h"
#include "diffusion/protocol.h"

typedef struct {
    const Protocol *protocol;
    const LikelihoodRun *run;
    ProtocolWords words; /* before the first image */
    int level;           /* where the protocol reads one */
    bool json;
    bool each;                  /* text: a line for each image; else their mean alone */
    const char *csv, *per_step; /* files, NULL: not wanted */
    FileWriter csv_file, per_step_file;
    bool csv_open, per_step_open;
    size_t count;
    long calls;
    double sum, square; /* of bits per dimension, relative to the first image's */
    double first;
} NllReport;

/* Begins the tables, so that a file that cannot be written is known before the work. */
bool nll_report_open(NllReport *r, Err *err);
/* terms: of the protocol, when a table of them is wanted. */
bool nll_report_image(NllReport *r, const char *name, const Likelihood *l, const double *terms,
                      Err *err);
/* The mean of all so far, when there are any. */
bool nll_report_summary(NllReport *r, Err *err);
/* Ends the tables with what they hold. */
bool nll_report_finish(NllReport *r, Err *err);
/* Drops tables that were not finished. */
void nll_report_close(NllReport *r);

/* Mean bits per dimension so far. */
double nll_report_mean(const NllReport *r);

#endif
