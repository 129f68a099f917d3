/* A trained model, opened from a run folder or a diffusers model folder. */
#ifndef DIFFC_MODEL_H
#define DIFFC_MODEL_H

#include "base/fsio.h"
#include "diffusion/guidance.h"
#include "diffusion/process.h"
#include "io/checkpoint.h"
#include "io/diffusers/model_folder.h"
#include "model/network_open.h"

typedef struct {
    char folder[PATH_BYTES]; /* the model folder itself */
    char run[PATH_BYTES];    /* the run folder it lies in, or "" */
    WeightsKind weights_kind;
    bool is_checkpoint; /* the weights are those of a checkpoint of the run, saved at this state: */
    CheckpointState checkpoint;
    ModelConfig config; /* with warnings for the user */
    Process process;
    ParamTable table;
    float *weights;
    Shape image;
    Network network; /* planned by model_prepare */
    NetworkDenoiser denoiser;
    Guidance guidance; /* open where model_prepare_sampling has guided it */
} Model;

/* The process of a model: of one with kept steps, their chain. */
bool model_process(const ModelConfig *m, Process *p, Err *err);

/* Process, parameter table and room for the weights, of a model whose config and image are set. */
bool model_make_parts(Model *m, Err *err);

/* path: a run folder (its "model" part is used), a model folder, or a checkpoint of a run
 * (checkpoint_model.h). size 0 x 0 takes the folder's sample_size; needed when the folder has none.
 * MODEL_ANY_SIZE: as 0 x 0, with a stand-in where the folder has none. Reads everything; plans nothing yet. */
enum { MODEL_ANY_SIZE = -1 };
bool model_open(Model *m, const char *path, int height, int width, Err *err);
/* The same with averaged weights, as model_open, or with the last ones: a checkpoint's (of a run folder: those of
 * its newest), or unet beside unet_ema. ERR_USAGE where a folder has one set only. */
bool model_open_weights(Model *m, const char *path, WeightsKind weights, int height, int width,
                        Err *err);
void model_close(Model *m);
/* Whether a path is a run or a model folder, complete or not. */
bool model_is_folder(const char *path);

/* Plans the network for calls of `batch` images (see network_sample_batch) and returns the
 * denoiser through *out. label: class of every image, negative for one class after the other
 * (set denoiser.first_image before each batch); ignored without classes. vjp: with predict_vjp, for likelihoods by
 * the probability flow. */
bool model_prepare(Model *m, int batch, int label, bool vjp, Denoiser *out, Err *err);

/* Whether the noise of a method goes far enough for sampling to start from noise alone (noise_advice.c): one
 * sentence about noise that ends too early; false where it does not. `c` is the configuration that can still be
 * changed, NULL for a trained model. */
bool noise_advice(const ModelConfig *m, const Process *p, const Config *c, char *out, size_t size);

/* The run folders under a root, the one that was worked on last first: by the latest time of its model, log and
 * configuration; equal ones by name. */
typedef struct {
    const char *name; /* inside the root */
    struct timespec time;
} FoundRun;
typedef struct {
    FoundRun *run;
    size_t count;
    Names names; /* of all in the root */
} RunList;
bool run_list_open(RunList *l, const char *root, Err *err);
void run_list_close(RunList *l);

/* Whether a model of this configuration does what is asked of it; what it lacks goes to `lack` as
 * words that follow its name: "makes points, not images". */
typedef bool ModelServes(const void *context, const ModelConfig *config, Err *lack);

typedef struct {
    char path[PATH_BYTES];        /* the run folder */
    int passed;                   /* newer runs that do not serve */
    char passed_path[PATH_BYTES]; /* the newest of them */
    Err lack;                     /* and what it lacks */
} NewestRun;

/* The newest run folder under `root` whose model serves. ERR_IO where no run has a model, ERR_USAGE when no model
 * serves. */
bool model_newest_run(const char *root, ModelServes *serves, const void *context, NewestRun *out,
                      Err *err);

#endif
