/* A model on disk is a diffusers folder (interchange specification part 0):
 *   model_index.json, unet/config.json, unet/diffusion_pytorch_model.safetensors,
 *   scheduler/scheduler_config.json
 * also read: the flat layout with everything in the root, and legacy names. */
#ifndef DIFFC_MODEL_FOLDER_H
#define DIFFC_MODEL_FOLDER_H

#include "diffc/err.h"
#include "diffc/params.h"
#include "diffc/terms.h"
#include "diffc/unet.h"

typedef struct {
    UNetConfig unet;
    int T;
    ScheduleKind schedule;
    double beta_start, beta_end;
    double *betas; /* [T] for SCHEDULE_BETAS, else NULL */
    Prediction prediction;
    VarianceKind variance;
    bool clip;
    double clip_range;
    int warning_count;
    char warnings[8][256]; /* unknown keys and tensors: said, not fatal */
} ModelConfig;
void model_config_free(ModelConfig *m);

/* Reads the two JSON files. Classes and options that diffc cannot run are ERR_FORMAT by name. */
bool model_folder_read_config(const char *path, ModelConfig *m, Err *err);

/* Reads the weights into a block of the table's layout: every parameter must be there with the
 * right shape (aliases of 1.9 accepted); unknown tensors are warnings. */
bool model_folder_read_weights(const char *path, const ParamTable *table, float *block,
                               ModelConfig *m, Err *err);

/* Writes the folder (made when missing), weights from `block`. Byte-identical for equal input. */
bool model_folder_write(const char *path, const ModelConfig *m, const ParamTable *table,
                        const float *block, Err *err);

#endif
