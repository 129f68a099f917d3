/* The data that the run of a model was trained on: where its configuration says that they lie, and what its
 * checkpoints say that they were. */
#ifndef DIFFC_CLI_RUN_DATA_H
#define DIFFC_CLI_RUN_DATA_H

#include "data/dataset.h"
#include "io/config.h"
#include "io/run_record.h"

typedef struct {
    const char *run;
    Config config;
    RunRecord record;
    bool known; /* there is a record */
} RunData;

/* Reads RUN/config.json and the newest checkpoint that verifies. run_data_close also after a failure. */
bool run_data_open(RunData *r, const char *run, Err *err);
void run_data_close(RunData *r);

/* A note where the images at `path` are not those that the run was trained on; `ending` ends its sentence. They were read
 * with the run's settings or, not `all`, only some of them. */
void run_data_compare(const RunData *r, const char *path, const Dataset *d, bool all,
                      const char *ending);

#endif
