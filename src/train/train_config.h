/* The settings "train". */
#ifndef DIFFC_TRAIN_CONFIG_H
#define DIFFC_TRAIN_CONFIG_H

#include "train/optimizer_config.h"

enum { INIT_PATH_BYTES = 1024 };

typedef struct {
    char init[INIT_PATH_BYTES]; /* run or model folder whose weights a run starts from, or "" */
    int64_t steps;              /* updates; 0: no limit by steps */
    double minutes;             /* 0: no limit by time; whichever comes first */
    int batch;
    int micro_batch; /* images per pass; 0: chosen by the program */
    int accumulate;  /* gradients of this many batches are averaged before an update */
    OptimizerConfig optimizer;
    uint64_t seed;
    int64_t log_every;        /* updates */
    int64_t checkpoint_every; /* updates; 0: only at the end */
    int keep;                 /* checkpoints kept */
    int validate;             /* held-out images scored at each checkpoint, 0: none */
} TrainConfig;

#endif
