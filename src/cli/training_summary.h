/* What a training will be, as text lines and as JSON. */
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

/* That of a configuration file. */
bool show_config(const char *path, bool json, Err *err);

#endif
