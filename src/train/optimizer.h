/* Adam and AdamW with clipping by the global gradient norm, and the moving average of the weights,
 * in one sweep over the parameter block. */
#ifndef DIFFC_OPTIMIZER_H
#define DIFFC_OPTIMIZER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/terms.h"
#include "io/config.h"
#include "net/params.h"

typedef struct {
    OptimizerKind kind;
    double beta1, beta2, eps, weight_decay; /* adam: weight_decay is an L2 term in the gradient */
    double clip;                            /* global norm; 0: off */
    double ema;                             /* largest decay */
} OptimizerConfig;

/* The settings of a configuration's "train". */
OptimizerConfig optimizer_config(const Config *c);

/* Blocks of gradients at most, and bytes that those after the first may take. */
enum { GRADIENT_BLOCKS = 8, GRADIENT_BYTES = 192 << 20 };

/* Into how many blocks the gradients of an update of so many passes go, pass p into block p modulo
 * their number, so that as many passes can run side by side. By shape only, for it decides the order
 * of sums. */
int optimizer_gradient_blocks(const ParamTable *table, int passes);

typedef struct {
    OptimizerConfig config;
    const ParamTable *table;
    float *weights, *grads, *m, *v, *ema; /* blocks of the table's layout */
    int grad_blocks;
    float *grad_block[GRADIENT_BLOCKS]; /* the first is grads */
    int64_t step;                       /* updates done */
    int span_count;                     /* pieces of tensors, the units of parallel work */
    struct OptimizerSpan *spans;
    double *squares; /* [span_count] */
} Optimizer;

/* Allocates the five blocks and those of more gradients (zeroed). */
bool optimizer_open(Optimizer *o, const ParamTable *table, const OptimizerConfig *config,
                    int grad_blocks, Err *err);
void optimizer_close(Optimizer *o);

/* Adds the blocks of gradients to the first, in their order, and zeroes them; returns the norm of the
 * sum, itself summed in double in a fixed order. */
double optimizer_sum_gradients(Optimizer *o);

/* One update at learning rate lr with the gradients scaled to the clip norm; norm is
 * optimizer_sum_gradients's value and must be finite. The EMA decay of update n = 0, 1, ... is
 * min(ema, (1+n)/(10+n)), so that a short run does not average its fresh weights
 * (diffusion-math 1.13). Zeroes the gradients. */
void optimizer_update(Optimizer *o, double lr, double norm);

/* Learning rate of update n (from 0): linear warm-up over `warmup` updates, first value above 0,
 * then constant or half a cosine by progress in [0, 1]. */
double learning_rate(RateKind kind, double lr, int64_t n, int64_t warmup, double progress);

#endif
