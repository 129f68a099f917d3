/* What the files of the training loop share. */
#ifndef DIFFC_TRAIN_INTERNAL_H
#define DIFFC_TRAIN_INTERNAL_H

#include "base/fsio.h"
#include "diffusion/mask_learner.h"
#include "diffusion/process.h"
#include "io/checkpoint.h"
#include "io/diffusers/model_folder.h"
#include "io/json.h"
#include "methods/method.h"
#include "model/network_open.h"
#include "train/optimizer.h"
#include "train/trainer.h"

bool batch_open(TrainBatch *b, int size, size_t dims, Err *err);
void batch_close(TrainBatch *b);

/* The state of a run that learns which steps to keep (train_masks.c). */
typedef struct {
    MaskLearner learner;
    Process chain; /* of the steps that the saved model keeps */
    double *state; /* [state_count] the learner's, for checkpoints */
    size_t state_count;
    unsigned char *kept; /* [T] */
    int *steps;          /* [T] */
} MaskTraining;

/* The newest step whose checkpoint, model, ... is on disk; -1: none that is known. */
typedef struct {
    int64_t checkpoint, model, validation, samples, distance;
} SavedSteps;

/* What a pass leaves of an image. */
typedef struct {
    float loss, part[2], sigma;
    PredictionError seen;
} ImageLoss;

struct Trainer {
    int rank, processes; /* that share the updates (base/world.h); 0 and 1: it trains alone */
    Config config;       /* as it was given */
    Config resolved;     /* without "auto"; its betas are those of config */
    RunRecord record;    /* saved with every checkpoint */
    /* Of a resumed run, else empty. */
    bool resumed;           /* the weights are a checkpoint's */
    Checkpoint checkpoint;  /* open until the weights are copied */
    RunRecord before;       /* what the run was until now */
    const RunRecord *known; /* `before` with its data; NULL where only the configuration is known */
    TrainCallbacks callbacks;
    TrainPlan plan;
    Dataset data;
    Process process;
    const Process *sampled; /* of samples and validation: the steps kept now */
    ParamTable table;
    Optimizer optimizer;
    const Method *method;
    Network train_network, eval_network;
    int blocks;        /* of gradients of an update, of all processes */
    int block_passes;  /* of a block at most */
    ImageLoss *losses; /* [blocks][block_passes][micro_batch] of the running update */
    bool stopping;     /* a process was interrupted, as all know */
    TrainBatch train_batch[GRADIENT_BLOCKS]; /* as many as blocks of gradients in a group */
    TrainBatch eval_batch;
    CheckpointState state;
    SavedSteps saved;
    bool log_lost; /* the last line of stats.jsonl could not be written */
    char run[PATH_BYTES];
    RunLock lock;
    bool locked;
    ClassName *init_names; /* [init_classes] of train.init, or NULL */
    int init_classes;
    double *sample_state; /* [count, dims] and the sampler's scratch */
    int sample_count;
    MaskTraining masks;
    MaskLearner *learner; /* that of masks; NULL: the method keeps all steps */
};

double progress_of(const Trainer *t); /* config_progress */
bool finished(const Trainer *t);

/* train_update.c: what an update needs beside the optimiser, once plan.micro_batch and blocks are known. */
bool update_open(Trainer *t, Err *err);
void update_close(Trainer *t);
int passes_of_update(const Trainer *t);
size_t update_losses(const Trainer *t); /* how many */

/* train_processes.c: several processes that train together. Whether their number divides the blocks of an update whose
 * passes have `micro` images. */
bool processes_divide(const Trainer *t, int micro, Err *err);
/* At the start: all have the same data and the same weights. ERR_USAGE, which names one that has not. */
bool processes_compare(const Trainer *t, Err *err);
/* Takes process 0's clock, and anybody's interruption (t->stopping). */
void processes_agree(Trainer *t);

/* resume.c: reads the newest checkpoint and compares configurations; copies the checkpoint's state once
 * the trainer is built, and says what changes. */
bool resume_open(Trainer *t, const char *run, Err *err);
bool resume_state(Trainer *t, Err *err);
/* Takes over where data lie: what a finished run changes of its configuration. */
void take_places(Config *to, const Config *from);

/* run_identity.c. Before the data are read: the classes of a folder keep the numbers that they have in the resumed run,
 * or in train.init. ERR_MEMORY. */
bool identity_class_order(Trainer *t, DataOptions *options, Err *err);
/* Then: records which run this is; a resumed run must have the same data (ERR_USAGE). Classes that are numbers in the
 * files keep the run's names where the data have none now; that they have others is said. */
bool identity_record(Trainer *t, Err *err);

/* init_model.c: the weights of train.init, when the configuration names one. ERR_USAGE where network
 * or noise are not the same. */
bool init_weights(Trainer *t, Err *err);

/* train_masks.c; without a learner nothing is done, but that all steps are sampled. */
bool masks_open(Trainer *t, Err *err);
void masks_close(Trainer *t);
/* After a pass over the `count` samples from `first` on. */
void masks_observe(Trainer *t, const ImageLoss *losses, int count, uint64_t first);
/* Puts the steps to keep now into plan.model. */
bool masks_refresh_model(Trainer *t, Err *err);
bool masks_restore(Trainer *t, Err *err);
void masks_put_summary(const Trainer *t, JsonWriter *w);
/* After an update: a line about the scores, some dozens of times in a run. */
void masks_log_curve(Trainer *t);

/* Training samples first .. first+size-1 of the run: images in the epoch's order, times uniform on
 * the process's own (even: one draw for train.batch samples, sample i of them i/batch further), noise
 * N(0,1), all counter-based draws of the sample's number. Reading makes x0, which one batch does after
 * the other; diffusing, which batches can do side by side, makes of it
 *   x_t = alpha x0 + sigma eps */
bool batch_read_train(Trainer *t, TrainBatch *b, uint64_t first, Err *err);
void batch_diffuse_train(const Trainer *t, TrainBatch *b, uint64_t first);

/* Held-out images first .. first+size-1 (beyond the end: the last one again, with weight 0). Image
 * i of n has the level at quantile (i + 1/2) / n and always the same noise. */
bool batch_fill_validation(Trainer *t, TrainBatch *b, int first, int n, Err *err);
NoiseLevel validation_level(const Trainer *t, int image, int n);
/* The level of training sample `sample` of the run. */
NoiseLevel training_level(const Trainer *t, uint64_t sample);

ImageLoss image_loss(const TrainBatch *b, int image);
void loss_sum_add(LossSum *sum, const ImageLoss *image);
/* The mean loss; of parts weighted as the method does. */
double loss_sum_mean(const LossSum *sum, const Trainer *t);

/* The loss of each image of the held-out batch, by the moving average; and a training pass of the
 * samples from `first` on, which adds dloss times the gradients of the losses' sum to grads. */
void batch_loss(Trainer *t, TrainBatch *b);
void batch_train(const Trainer *t, Network *nw, TrainBatch *b, uint64_t first, float *grads,
                 float dloss);

/* The name of a grid of samples in the run's folder samples. */
enum { SAMPLES_NAME_BYTES = 64 };
void samples_name(char out[SAMPLES_NAME_BYTES], int64_t step);

/* train_memory.c: fills in the plan's bytes, once networks, optimiser and batches are open. */
bool plan_memory(Trainer *t, Err *err);

/* run_folder.c: files of the run. */
bool run_begin(Trainer *t, const char *run, Err *err);
bool run_continue(Trainer *t, Err *err);
CheckpointBlocks state_blocks(Trainer *t);
/* A line of stats.jsonl about the present step, with its object begun. */
JsonWriter run_line(const Trainer *t, const char *event);
/* Ends the object and writes the line to stats.jsonl and to the line callback; a failure to write is a problem,
 * said once until lines can be written again. */
void run_log(Trainer *t, JsonWriter *line);
bool run_save_model(Trainer *t, Err *err);
bool run_save_checkpoint(Trainer *t, Err *err);
/* A note of progress, and a problem that does not stop the run. */
void run_note(Trainer *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
void run_problem(Trainer *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* evaluate.c: validation loss by noise level (denoising, whatever the objective of training is, so
 * that objectives compare), and the sample grid. Both use the EMA weights, touch no training state,
 * do nothing where this step has them already, and end with ERR_INTERRUPTED when interrupted. */
bool evaluate_validation(Trainer *t, Err *err);
bool evaluate_samples(Trainer *t, Err *err);
/* Images first .. first+count-1 of the seeds sample.seed, sample.seed + 1, ... by the moving averages, in as many
 * network calls (0: as many as the sampler takes). state: [count, dims], then SAMPLER_SCRATCH times as much. */
bool draw_images(Trainer *t, const char *sampler, int calls, int first, int count, double *state,
                 Err *err);
/* The file of the grid. */
bool samples_path(const Trainer *t, char path[PATH_BYTES], Err *err);

/* evaluate_distance.c: every train.eval_every updates the multi-scale sliced Wasserstein distance of up to 256 images,
 * made of the EMA weights by dpm++2m with 20 network calls, to as many training images; and that of other
 * training images to these, which is what perfect samples get. Otherwise as those above. */
bool evaluate_distance(Trainer *t, Err *err);
/* Whether this step is to have one, and has none yet. */
bool distance_missing(const Trainer *t);
/* ERR_USAGE where there are too few training images. */
bool distance_check(const Trainer *t, Err *err);
/* The most memory that it takes. */
size_t distance_bytes(const Trainer *t);

#endif
