/* The training state on disk: one safetensors file per checkpoint, RUN/checkpoints/step-NNNNNNNN.
 * safetensors, holding "w.NAME", "ema.NAME", "m.NAME", "v.NAME" for every parameter and, in the
 * metadata, "state" (a JSON object of counters, of the method's own numbers and of what the run is; see
 * CheckpointState and run_record.h) and "check" (a CRC-32 over the
 * state text, every tensor's name and shape, and all data), so that any flipped bit is noticed.
 * Random numbers are counter-based and the data position follows from the counters, so nothing else
 * is needed for a bit-exact resume. */
#ifndef DIFFC_CHECKPOINT_H
#define DIFFC_CHECKPOINT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/params.h"
#include "io/run_record.h"
#include "io/safetensors.h"

typedef struct {
    int64_t step;     /* updates done */
    uint64_t samples; /* training samples consumed */
    uint64_t seed;
    double seconds;  /* training time so far */
    double loss_sum; /* losses since the last logged step, and their number */
    int64_t loss_count;
    char blas[256];  /* product_blas_name at saving, for the record */
    char level[200]; /* vec_describe at saving; another one at resume is a note */
    const RunRecord
        *record; /* saved beside it, NULL: not; after reading NULL (Checkpoint.record) */
} CheckpointState;

typedef struct {
    float *weights, *ema, *m, *v; /* blocks of the table's layout */
    double *method;      /* [method_count] numbers of the method's own; NULL: it has none */
    size_t method_count; /* a file that is loaded must have as many */
} CheckpointBlocks;

/* Writes the checkpoint durably, then (only after the new file is on disk) removes all but the `keep`
 * newest up to this step. Files of later steps go too: they were damaged, or training would have
 * resumed from them. Values that are not finite are refused (ERR_DIVERGED). Allocates. */
bool checkpoint_save(const char *run, const ParamTable *table, const CheckpointBlocks *blocks,
                     const CheckpointState *state, int keep, Err *err);

/* A checkpoint that has been read and verified, and its counters. */
typedef struct {
    char path[PATH_BYTES];
    Safetensors file;
    CheckpointState state;
    RunRecord *record; /* NULL: an older release wrote it */
    double *method;    /* [method_count] numbers of the method's own; NULL: none */
    size_t method_count;
} Checkpoint;

/* Opens the newest checkpoint that verifies. Damaged ones are skipped and named in notes (a text
 * for the user, one line each, possibly empty). ERR_IO when there is none; a sound one of a newer
 * format is ERR_FORMAT. *c is empty after a failure; closing an empty one is harmless. */
bool checkpoint_open_newest(Checkpoint *c, const char *run, char *notes, size_t notes_size,
                            Err *err);
/* Opens this file. ERR_FORMAT when it does not verify; closing *c is then harmless. */
bool checkpoint_open(Checkpoint *c, const char *path, Err *err);
/* Copies the weights, moments and the method's numbers into the blocks. ERR_FORMAT when they belong
 * to another network or method; the blocks are then untouched. */
bool checkpoint_read(const Checkpoint *c, const ParamTable *table, CheckpointBlocks *blocks,
                     Err *err);
/* Copies the weights alone, or the averaged ones, into a block of the table's layout. */
bool checkpoint_read_weights(const Checkpoint *c, const ParamTable *table, bool averaged,
                             float *block, Err *err);
void checkpoint_close(Checkpoint *c);

/* What the newest good checkpoint says that the run is. *found: whether there is such a record. notes: as
 * checkpoint_open_newest. False when memory is short or the folder of checkpoints cannot be listed. */
bool checkpoint_peek(const char *run, RunRecord *record, bool *found, char *notes,
                     size_t notes_size, Err *err);

/* *exists: whether the run folder holds a checkpoint file. False when the folder cannot be listed:
 * taken as "none", that would start the run anew. */
bool checkpoint_exists(const char *run, bool *exists, Err *err);
/* Removes the temporary files that killed writers left. */
void checkpoint_remove_leftovers(const char *run);

/* A run folder belongs to one process: takes RUN/lock (flock with the owner's pid inside), ERR_IO
 * naming the pid when another process holds it. A lock left by a killed process does not block.
 * run_lock_sign writes the pid, once the run is really gone on with: until then no file changes. */
typedef struct {
    int fd;
} RunLock;
bool run_lock(RunLock *lock, const char *run, Err *err);
void run_lock_sign(RunLock *lock);
void run_unlock(RunLock *lock);

#endif
