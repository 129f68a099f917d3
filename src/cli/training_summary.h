/* What a training will be, and what a run was trained on, as text lines and as JSON. */
#ifndef DIFFC_CLI_TRAINING_SUMMARY_H
#define DIFFC_CLI_TRAINING_SUMMARY_H

#include "cli/summary.h"
#include "io/config.h"
#include "train/trainer.h"

/* The start table of a training. */
void training_lines(LineWriter line, const Config *c, const TrainPlan *plan);

/* The result of `train --dry-run` and of `info CONFIG.json` on stdout: the resolved configuration
 * and the table, or one object with "config" and the members above. */
bool output_training(const char *path, const Config *c, const TrainPlan *plan, bool json, Err *err);

/* The same for a configuration that was chosen: JSON alone on stdout, the table on stderr. */
bool output_config(const Config *c, const TrainPlan *plan, Err *err);

/* That of a configuration file. */
bool show_config(const char *path, bool json, Err *err);

/* The data of the run in this folder, "": nothing; with the names of its classes where its model m has none. Of runs of
 * older releases only the path is known. False when memory is short or the checkpoints cannot be listed. */
bool data_lines(const char *run, const ModelConfig *m, Err *err);
/* The member "data" of the open object. */
bool data_json(JsonWriter *w, const char *run, Err *err);

#endif
