/* What a run is: the configuration it was made with, its data, and what was computed from these at
 * the start. Every checkpoint holds it, so that --resume needs nothing else and notices what differs. */
#ifndef DIFFC_RUN_RECORD_H
#define DIFFC_RUN_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "io/config.h"
#include "io/json.h"

/* Data are the same when all of this is; where they lie is no part of it. */
typedef struct {
    DataKind kind; /* idx, cifar10 or folder; auto for a toy */
    ToyKind toy;
    uint64_t count; /* images; 0 for a toy */
    int height, width, channels;
    int classes;            /* 0: no labels */
    ClassName *class_names; /* [classes] or NULL where the classes have no names */
    uint32_t checksum; /* of all labels and of the sizes of the stored images; not of the pixels */
    uint32_t
        file_names; /* folders: stands for the names of the files, which may change; 0: not known */
} DataIdentity;

typedef struct {
    Config config; /* as it was given: "auto" stays */
    DataIdentity data;
    /* Computed from the training images; 0 where the method does not need it. */
    double sigma_max;   /* smld, ve */
    int levels;         /* smld: L */
    double mean_square; /* eddpm: of the values of the images */
} RunRecord;

/* A copy with memory of its own. ERR_MEMORY. */
bool run_record_set(RunRecord *r, const Config *config, const DataIdentity *data, Err *err);
void run_record_free(RunRecord *r);

/* Puts into *c what the record's run computed or found wherever *c leaves that open (sigma_max and
 * levels "auto"; kind, size and channels of the data), and resolves the rest (config_resolve). */
void run_record_resolve(const RunRecord *r, Config *c);

/* ERR_USAGE for other data, naming the first thing that differs with both values. `run` starts the
 * sentence. */
bool run_record_check_data(const RunRecord *r, const DataIdentity *data, const char *run, Err *err);

/* As members of the open object, and back. `name` starts every message. */
void run_record_put(JsonWriter *w, const RunRecord *r);
bool run_record_read(RunRecord *r, const Json *object, const char *name, Err *err);

#endif
