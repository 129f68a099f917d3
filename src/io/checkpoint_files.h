/* Names and places of checkpoint files. */
#ifndef DIFFC_IO_CHECKPOINT_FILES_H
#define DIFFC_IO_CHECKPOINT_FILES_H

#include <stddef.h>
#include <stdint.h>

#include "io/checkpoint.h"

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

/* The JSON text in the file's metadata: the counters, the method's own numbers and the record of the
 * run. NULL: not enough memory; free with mem_free. */
char *checkpoint_state_text(const CheckpointState *state, const double *method, size_t count);
/* The counters and the record (NULL: there is none; free it and the memory) of that text, and the
 * method's numbers, which must be `count`. */
bool checkpoint_state_parse(const char *text, const char *name, CheckpointState *state,
                            RunRecord **record, Err *err);
bool checkpoint_state_method(const char *text, const char *name, double *method, size_t count,
                             Err *err);

#endif
