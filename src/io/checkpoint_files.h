/* Names and places of checkpoint files. */
#ifndef DIFFC_IO_CHECKPOINT_FILES_H
#define DIFFC_IO_CHECKPOINT_FILES_H

#include <stddef.h>
#include <stdint.h>

#include "diffc/checkpoint.h"

#define CHECKPOINT_FOLDER "checkpoints"

/* The steps of the checkpoint files in a run, newest first. Free with mem_free. */
typedef struct {
    int64_t *steps;
    size_t count;
} CheckpointList;
bool checkpoint_list(const char *run, CheckpointList *out, Err *err);
/* path (PATH_BYTES) = RUN/checkpoints/step-NNNNNNNN.safetensors */
bool checkpoint_path(char *path, const char *run, int64_t step, Err *err);
/* Removes all but `keep` checkpoints up to `step`, all after it, and what killed writers left. */
void checkpoint_rotate(const char *run, int64_t step, int keep);

/* The counters as the JSON text in the file's metadata, and back. NULL: not enough memory; free with
 * mem_free. Both with the method's own numbers. */
char *checkpoint_state_text(const CheckpointState *state, const double *method, size_t count);
bool checkpoint_state_parse(const char *text, const char *name, CheckpointState *state,
                            double *method, size_t count, Err *err);

#endif
