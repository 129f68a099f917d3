/* The training state on disk: one safetensors file per checkpoint, RUN/checkpoints/step-NNNNNNNN.
 * safetensors, holding "w.NAME", "ema.NAME", "m.NAME", "v.NAME" for every parameter and, in the
 * metadata, "state" (a JSON object of counters and of the method's own numbers, see CheckpointState) and "check" (a CRC-32 over the
 * state text, every tensor's name and shape, and all data), so that any flipped bit is noticed.
 * Random numbers are counter-based and the data position follows from the counters, so nothing else
 * is needed for a bit-exact resume. */
#ifndef DIFFC_CHECKPOINT_H
#define DIFFC_CHECKPOINT_H

#include <stdbool.h>
#include <stdint.h>

#include "diffc/err.h"
#include "diffc/params.h"

typedef struct {
    int64_t step;     /* updates done */
    uint64_t samples; /* training samples consumed */
    uint64_t seed;
    double seconds;  /* training time so far */
    double loss_sum; /* losses since the last logged step, and their number */
    int64_t loss_count;
    double best_validation; /* NAN when none */
    char blas[256];         /* gemm_describe at saving, for the record: no kernel uses it */
    char level[32];         /* vec_level at saving; another one at resume is a note */
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

/* Loads the newest checkpoint that verifies. Damaged ones are skipped and named in notes (a text
 * for the user, one line each, possibly empty). ERR_IO when there is none. A sound one of another
 * network or of a newer format is ERR_FORMAT, and blocks and state are untouched. */
bool checkpoint_load_newest(const char *run, const ParamTable *table, CheckpointBlocks *blocks,
                            CheckpointState *state, char *notes, size_t notes_size, Err *err);

/* True when the run folder holds at least one checkpoint file. */
bool checkpoint_exists(const char *run);

/* A run folder belongs to one process: takes RUN/lock (flock with the owner's pid inside), ERR_IO
 * naming the pid when another process holds it. A lock left by a killed process does not block. */
typedef struct {
    int fd;
} RunLock;
bool run_lock(RunLock *lock, const char *run, Err *err);
void run_unlock(RunLock *lock);

#endif
