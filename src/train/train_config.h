/* The settings "train". */
#ifndef DIFFC_TRAIN_CONFIG_H
#define DIFFC_TRAIN_CONFIG_H

#include <stdint.h>

typedef enum { OPTIMIZER_ADAM, OPTIMIZER_ADAMW, OPTIMIZER_MUON } OptimizerKind;
extern const char *const optimizer_words[];
typedef enum { RATE_CONSTANT, RATE_COSINE } RateKind;
extern const char *const rate_words[];

/* For the update of the weights. */
typedef struct {
    OptimizerKind kind;
    double beta1, beta2, eps, weight_decay; /* adam: weight_decay is an L2 term in the gradient */
    double clip;                            /* global norm of the gradient; 0: off */
    double ema;                             /* largest decay of the moving average */
    double lr;                              /* largest learning rate */
    int64_t warmup;                         /* updates of linear warm-up */
    RateKind schedule;                      /* after them */
} OptimizerConfig;

enum { INIT_PATH_BYTES = 1024 };

typedef struct {
    char init[INIT_PATH_BYTES]; /* run or model folder whose weights a run starts from, or "" */
    int64_t steps;              /* updates; 0: no limit by steps */
    double minutes;             /* 0: no limit by time; whichever comes first */
    int batch;
    int micro_batch;      /* images per pass; 0: chosen by the program */
    double label_dropout; /* share of the images that are trained without their class */
    int accumulate;       /* gradients of this many batches are averaged before an update */
    OptimizerConfig optimizer;
    uint64_t seed;
    int64_t log_every;        /* updates */
    int64_t checkpoint_every; /* updates; 0: only at the end */
    int keep;                 /* checkpoints kept */
    int validate;             /* held-out images scored at each checkpoint, 0: none */
    int64_t
        eval_every; /* updates between measurements of the samples' distance from the data; 0: none */
} TrainConfig;

#endif
