/* Scores the images of `diffc nll` by a protocol, group by group, and reports them. */
#ifndef DIFFC_CLI_NLL_SCORE_H
#define DIFFC_CLI_NLL_SCORE_H

#include "cli/nll_images.h"
#include "cli/nll_report.h"
#include "diffusion/protocol.h"

typedef struct {
    const Protocol *protocol;
    LikelihoodRun run;
    LikelihoodModel model;
    size_t dims;
    uint64_t seed;
    int batch; /* images scored together */
    NllImages images;
    NllReport report;
    size_t done;   /* images looked at, in finished groups */
    size_t failed; /* could not be scored */
    Err failure;   /* the first of them */
    double start;
    int group; /* images in the running group */
} NllJob;

/* Everything down to report must be set, images and report open. Images that can be scored are, also
 * where others fail, which is an error at the end. Sets run.progress. */
bool nll_score_all(NllJob *job, Err *err);

#endif
