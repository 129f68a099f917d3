/* A model on disk is a diffusers folder (interchange specification part 0):
 *   model_index.json, unet/config.json, unet/diffusion_pytorch_model.safetensors,
 *   scheduler/scheduler_config.json
 * with DDPMScheduler (kept steps with merged noise stand in it as keys of ours, so that it still
 * loads there, as the chain of all steps; VP with positional features of time is one as well) or
 * ScoreSdeVeScheduler (VE and SMLD). What diffusers has no class for has one of ours:
 * DiffcEddpmScheduler (kept steps with other noise), DiffcVpScheduler, DiffcSubVpScheduler,
 * time_embedding_type fourier_time, for points of the plane mlp/config.json (DiffcMlp) with its
 * weights instead of unet, and for classifiers of noise levels DiffcCdmPipeline with DiffcCdmUNet and
 * DiffcCdmScheduler (scheduler_class.c says which open there); also read: the flat layout with
 * everything in the root, legacy names, and ScoreSdeVpScheduler and DiffcSmldScheduler of older
 * versions. */
#ifndef DIFFC_MODEL_FOLDER_H
#define DIFFC_MODEL_FOLDER_H

#include "base/err.h"
#include "base/folder_swap.h"
#include "base/params.h"
#include "data/data_config.h"
#include "diffusion/sample_config.h"
#include "io/json.h"
#include "methods/method_config.h"
#include "net/network_config.h"

/* Which weights of a model: those of the moving average, or those that training has reached. */
typedef enum { WEIGHTS_AVERAGE, WEIGHTS_LAST } WeightsKind;
extern const char *const weights_words[];

/* What the network gives follows from the method: with DDPM `prediction`; SMLD and VE give the score
 * from the label sigma; VP and sub-VP give the noise (score = -eps / std). What they are given as
 * their time: network_label in methods/network.h. */
typedef struct {
    NetworkKind network; /* unet or mlp: which of the two is filled */
    UNetConfig unet;
    MlpConfig mlp;
    ToyKind toy; /* mlp: what it has learnt; TOY_NONE: not said */
    MethodKind method;
    NoiseConfig noise; /* its betas belong to the model */
    bool dequantised;  /* CDM: its clean images had uniform noise of one grey level */
    /* EDDPM: the steps kept, rising, and how their noise is formed (mask.h). NULL: all */
    int *kept;
    int kept_count;
    MaskAlphas alphas;
    bool sigma_max_at_least; /* the widest distance of the data may be larger; in no folder */
    double widest; /* a lower bound of that distance, where sigma_max was chosen; in no folder */
    /* How to sample by default. Written: variance (learned: the network gives 2 C channels,
     * unet.out_channels), clip and, by SMLD and VE, snr and corrector_steps. Read: those and what a
     * scheduler of diffusers says of sampler and spacing; the rest is the configuration's default. */
    SampleConfig sample;
    double clip_range;
    /* Classes that no training image had, so that nothing is known of them; the folder says them. */
    bool untrained[DATA_MAX_CLASSES];
    /* [unet.classes], a key of the model's own; NULL: the classes are numbers only */
    ClassName *class_names;
    /* Read: from unet_ema, where the example trainer of diffusers keeps the averages of unet. */
    bool unet_ema;
    bool old_class; /* read: the scheduler's class is one that older versions wrote */
    int warning_count;
    char warnings[8][256]; /* unknown keys and tensors: said, not fatal */
    bool is_note[8];       /* of these: nothing is wrong */
} ModelConfig;
void model_config_free(ModelConfig *m);
TimeFeatureKind model_time_kind(const ModelConfig *m);

/* The trained classes among unet.classes: how many, whether `label` is one. */
int model_trained_classes(const ModelConfig *m);
bool model_class_is_trained(const ModelConfig *m, int label);
/* The label of no class in a model that was trained without classes too; -1 in another. */
int model_no_class(const ModelConfig *m);
/* The trained class number `place` of these, from 0. */
int model_trained_class(const ModelConfig *m, int place);
/* The name of a class; NULL: it has none, or there is no such class. */
const char *model_class_name(const ModelConfig *m, int label);

/* The folder that holds the model of `path` now: `path`, or the one that a killed save has finished
 * beside it. False when there is none. */
bool model_folder_current(const char *path, char out[PATH_BYTES]);
/* Another one after each save: a reader of several files compares it before and after. */
FolderStamp model_folder_stamp(const char *path);

/* The first option in which two networks differ, with both values as its file has them. The size of the
 * images and dropout may differ: weights of one network then serve the other. ERR_MEMORY. */
typedef struct {
    JsonDifference values;
    char option[160]; /* "model.groups (norm_num_groups in a model folder)" */
} NetworkDifference;
bool model_networks_differ(const ModelConfig *a, const ModelConfig *b, NetworkDifference *out,
                           Err *err);

/* Reads the two JSON files. Classes and options that diffc cannot run are ERR_FORMAT by name. A warning says
 * where unet_ema, which is read for WEIGHTS_AVERAGE, or the scheduler of the folder above stands in: so lie the
 * checkpoints of diffusers' example trainer. */
bool model_folder_read_config(const char *path, ModelConfig *m, Err *err);
bool model_folder_read_config_of(const char *path, WeightsKind weights, ModelConfig *m, Err *err);
/* The folder of the network inside a model folder: "unet", "unet_ema" or "mlp". */
const char *model_network_folder(const ModelConfig *m);

/* Whether diffusers opens the folder of such a model: its pipeline (NULL: it does not open), and `but`,
 * what that does otherwise or what diffusers lacks (NULL: nothing). */
typedef struct {
    const char *pipeline, *but;
} DiffusersSupport;
DiffusersSupport model_diffusers_support(const ModelConfig *m);

/* Reads the weights into a block of the table's layout: every parameter must be there with the
 * right shape (aliases of 1.9 accepted); unknown tensors are warnings. */
bool model_folder_read_weights(const char *path, const ParamTable *table, float *block,
                               ModelConfig *m, Err *err);

/* Writes the folder (made when missing), weights from `block`. Byte-identical for equal input. It
 * replaces the old folder as a whole (folder_swap.h): after a kill at any moment the old model or the
 * new one opens, and other files in the folder stay. */
bool model_folder_write(const char *path, const ModelConfig *m, const ParamTable *table,
                        const float *block, Err *err);
/* Puts right what a killed writer left beside the folder, as the next writer would. */
bool model_folder_recover(const char *path, Err *err);

#endif
