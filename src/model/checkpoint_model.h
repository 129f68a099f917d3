/* The model of an earlier state of a run. Its configuration is that of RUN/model, which all states share; its
 * weights, and of eddpm the steps it keeps, are those of a checkpoint. */
#ifndef DIFFC_CHECKPOINT_MODEL_H
#define DIFFC_CHECKPOINT_MODEL_H

#include "io/checkpoint.h"
#include "io/diffusers/model_folder.h"

/* Whether a path is that of a checkpoint, RUN/checkpoints/NAME.safetensors, there or not; run: RUN. */
bool checkpoint_path_run(const char *path, char run[PATH_BYTES]);

/* Opens the checkpoint at `path` or, for NULL, the newest of the run that verifies, and puts the steps that it
 * keeps in the place of those in *m. Damaged newer ones become warnings of *m. ERR_IO names the newest that is
 * there when `path` is not. checkpoint_close is right after a failure too. */
bool checkpoint_model_open(Checkpoint *c, const char *path, const char *run, ModelConfig *m,
                           Err *err);

#endif
