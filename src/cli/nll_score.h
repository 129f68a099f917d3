/* Scores the images of `diffc nll` by a protocol, group by group, and reports them (nll_report.h). */
#ifndef DIFFC_CLI_NLL_SCORE_H
#define DIFFC_CLI_NLL_SCORE_H

#include "base/fsio.h"
#include "base/shared_work.h"
#include "cli/nll_images.h"
#include "diffusion/protocol.h"
#include "io/diffusers/model_folder.h"
#include "methods/network.h"

/* A table in a file. */
typedef struct {
    const char *path; /* NULL: not wanted */
    FileWriter file;
    bool open;
} NllTable;

typedef struct {
    const Protocol *protocol;
    LikelihoodRun run;
    LikelihoodModel model;
    size_t dims;
    uint64_t seed;
    int batch; /* images scored together */
    NllImages images;
    const ModelConfig *config;
    NetworkDenoiser *network; /* the model's, which gets the labels of the images that are scored */
    int label; /* of all images, where they have none of their own; -1 without classes */
    ProtocolWords words;
    int level; /* where the protocol reads one */
    bool json;
    NllTable csv, per_step;
    bool table_is_stdout; /* one of them is; the results then have lines only with --json */
    /* The state of the work. */
    WorkRound round; /* of images, that runs */
    size_t done;     /* images looked at, in finished rounds */
    size_t failed;   /* could not be scored */
    Err failure;     /* the first of them */
    double start;
    int group; /* images that are scored together now */
    /* What is reported so far. */
    size_t count;
    long calls;
    double sum, square; /* of bits per dimension, relative to the first image's */
    double first;
} NllJob;

/* Everything down to the tables must be set, images and tables open. Images that can be scored are, also
 * where others fail, which is an error at the end. Sets run.progress. */
bool nll_score_all(NllJob *job, Err *err);

#endif
