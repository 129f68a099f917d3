/* The settings of "train" for the update of the weights. */
#ifndef DIFFC_OPTIMIZER_CONFIG_H
#define DIFFC_OPTIMIZER_CONFIG_H

#include <stdint.h>

typedef enum { OPTIMIZER_ADAM, OPTIMIZER_ADAMW } OptimizerKind;
extern const char *const optimizer_words[];
typedef enum { RATE_CONSTANT, RATE_COSINE } RateKind;
extern const char *const rate_words[];

typedef struct {
    OptimizerKind kind;
    double beta1, beta2, eps, weight_decay; /* adam: weight_decay is an L2 term in the gradient */
    double clip;                            /* global norm of the gradient; 0: off */
    double ema;                             /* largest decay of the moving average */
    double lr;                              /* largest learning rate */
    int64_t warmup;                         /* updates of linear warm-up */
    RateKind schedule;                      /* after them */
} OptimizerConfig;

#endif
