/* Adam, AdamW, and Muon for matrices with AdamW for the rest (muon.h), with clipping by the global gradient
 * norm, and the moving average of the weights, in sweeps over the parameter block. */
#ifndef DIFFC_OPTIMIZER_H
#define DIFFC_OPTIMIZER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/params.h"
#include "train/gradient_tree.h"
#include "train/train_config.h"

typedef struct {
    OptimizerConfig config;
    const ParamTable *table;
    float *weights, *grads, *m, *v, *ema; /* blocks of the table's layout */
    GradientTree gradients;               /* grads is its sum */
    /* Of processes that share an update (optimizer_share): the tree's sum is a part of that of all, and each process
     * owns some neighbouring pieces, whose gradients it sums, whose weights it moves and whose moments it has. */
    bool shared;
    int first_span, end_span;                /* its own; all of one process */
    size_t span_bounds[GRADIENT_BLOCKS + 1]; /* of all processes' parts (world_sum_parts) */
    size_t bounds[GRADIENT_BLOCKS + 1];      /* the same in floats of a block */
    int64_t step;                            /* updates done */
    int span_count;                          /* pieces of tensors, the units of parallel work */
    struct OptimizerSpan *spans;
    double *squares; /* [span_count] */
    float *scratch;  /* optimizer_scratch_floats */
} Optimizer;

/* Allocates the blocks, with a tree of so many blocks of gradients, all zero. */
bool optimizer_open(Optimizer *o, const ParamTable *table, const OptimizerConfig *config,
                    int gradient_blocks, Err *err);
void optimizer_close(Optimizer *o);

/* From here on all processes share each update (base/world.h), of which there are 2, 4 or 8, and the tree holds the
 * process's own blocks. The bits stay those of one process. Work is divided by what pieces cost. */
void optimizer_share(Optimizer *o);
/* Gives all processes the moments and the average of all weights, which they otherwise have of their own pieces. */
void optimizer_gather(Optimizer *o);

/* Memory beside the blocks; it grows with parallel_threads(). */
size_t optimizer_scratch_floats(const ParamTable *table, OptimizerKind kind);

/* Sums the running group of gradient blocks (gradient_tree.h). After the last group of an update grads
 * holds the sum, of processes that share it that of their own pieces, and the norm of all is returned, summed in
 * double in a fixed order; before it, 0. */
double optimizer_sum_gradients(Optimizer *o);

/* One update at learning rate lr with the gradients scaled to the clip norm; norm is
 * optimizer_sum_gradients's value and must be finite. The EMA decay of update n = 0, 1, ... is
 * min(ema, (1+n)/(10+n)), so that a short run does not average its fresh weights
 * (diffusion-math 1.13). Zeroes the gradients. */
void optimizer_update(Optimizer *o, double lr, double norm);

/* Learning rate of update n (from 0): linear warm-up, first value above 0, then constant or half a
 * cosine by progress in [0, 1]. */
double learning_rate(const OptimizerConfig *c, int64_t n, double progress);

#endif
