/* What the files of the training loop share. */
#ifndef DIFFC_TRAIN_INTERNAL_H
#define DIFFC_TRAIN_INTERNAL_H

#include "diffc/checkpoint.h"
#include "diffc/fsio.h"
#include "diffc/json.h"
#include "diffc/model_folder.h"
#include "diffc/network.h"
#include "diffc/optimizer.h"
#include "diffc/process.h"
#include "diffc/trainer.h"

/* One micro-batch as the network takes it. */
typedef struct {
    int size;
    size_t dims;
    float *xt, *target;               /* [size, dims] */
    float *noise;                     /* [size, dims] */
    float *t, *label, *weight, *loss; /* [size] */
    /* Of a classifier of noise levels, [size]; its target is the noise. */
    int *classes;
    float *sigma, *ce, *mse;
} TrainBatch;

bool batch_open(TrainBatch *b, int size, size_t dims, Err *err);
void batch_close(TrainBatch *b);

struct Trainer {
    Config config;
    TrainCallbacks callbacks;
    TrainPlan plan;
    Dataset data;
    Process process;
    double *betas; /* [T] of schedule logsnr, else NULL */
    ParamTable table;
    Optimizer optimizer;
    Network train_network, eval_network;
    TrainBatch train_batch, eval_batch;
    CheckpointState state;
    char run[PATH_BYTES];
    RunLock lock;
    bool locked;
    double *sample_state; /* [count, dims] and the sampler's scratch */
    int sample_count;
};

/* Training samples first .. first+size-1 of the run: images in the epoch's order, times uniform on
 * the process's own (even: one draw for train.batch samples, sample i of them i/batch further), noise N(0,1), all counter-based draws of the sample's number.
 *   x_t = alpha x0 + sigma eps */
void batch_fill_train(Trainer *t, TrainBatch *b, uint64_t first);

/* Held-out images first .. first+size-1 (beyond the end: the last one again, with weight 0). Image
 * i of n has the level at quantile (i + 1/2) / n and always the same noise. */
void batch_fill_validation(Trainer *t, TrainBatch *b, int first, int n);
NoiseLevel validation_level(const Trainer *t, int image, int n);

/* The loss of each image of the held-out batch, by the moving average; and a training pass, which
 * adds dloss times the gradients of the losses' sum to the optimiser's. */
void batch_loss(Trainer *t, TrainBatch *b);
void batch_train(Trainer *t, TrainBatch *b, float dloss);

/* run_folder.c: files of the run. */
bool run_prepare(Trainer *t, const char *run, bool resume, Err *err);
bool run_write_config(const Trainer *t, Err *err);
/* Writes one line to stats.jsonl and to the line callback; a failure to write is a note. */
void run_log(Trainer *t, JsonWriter *line);
bool run_save_model(Trainer *t, Err *err);
bool run_save_checkpoint(Trainer *t, Err *err);
void run_note(Trainer *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* evaluate.c: validation loss by noise level (denoising, whatever the objective of training is, so
 * that objectives compare), and the sample grid. Both use the EMA weights, touch no training state,
 * and give up quietly when interrupted. */
bool evaluate_validation(Trainer *t, Err *err);
bool evaluate_samples(Trainer *t, Err *err);

#endif
