/* What the files of a checkpoint share: names and places, and the text of the training state. */
#ifndef DIFFC_IO_CHECKPOINT_FILES_H
#define DIFFC_IO_CHECKPOINT_FILES_H

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
 * run. Read into an empty checkpoint whose path is known; closing it is right also after a failure. */
void checkpoint_state_put(JsonWriter *w, const CheckpointState *state, const double *method,
                          size_t count);
bool checkpoint_state_read(Checkpoint *c, const char *text, Err *err);

/* Members of a struct as rows of a table: a row writes its key into a JSON object and reads it back. */
typedef enum {
    MEMBER_INT,    /* int, from 0 */
    MEMBER_PAIR,   /* int[2], from 0: an array of two */
    MEMBER_COUNT,  /* int64_t or uint64_t, from 0 to 2^53 - 1 */
    MEMBER_DIGITS, /* uint64_t: a string, for a JSON number is a double */
    MEMBER_HEX,    /* uint32_t: a string of 8 digits */
    MEMBER_AMOUNT, /* double, from 0 */
    MEMBER_REAL,   /* double; null stands for one that is not finite */
    MEMBER_TEXT,   /* char[size] */
    MEMBER_WORD,   /* an enum, by `words` */
} MemberType;

typedef struct {
    const char *key;
    MemberType type;
    size_t at, size; /* of the member in its struct */
    const char *const *words;
    const char *means; /* how messages call it */
} Member;

void member_put(JsonWriter *w, const char *key, const Member *row, const void *from);
/* The rows end with one without key. */
void members_put(JsonWriter *w, const Member *rows, const void *from);
/* ERR_FORMAT names the first key that is absent or wrong. */
bool members_read(const Json *object, const Member *rows, void *to, const char *name, Err *err);
bool member_bad(const char *name, const char *key, Err *err);

#endif
