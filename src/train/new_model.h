/* The model that a configuration makes of a data set, before any training. */
#ifndef DIFFC_NEW_MODEL_H
#define DIFFC_NEW_MODEL_H

#include "data/dataset.h"
#include "io/config.h"
#include "model/model.h"

/* Its method, with what c, resolved (config_resolve), leaves to the data, and its network. m's betas are
 * its own. ERR_USAGE where configuration and data do not go together. */
bool new_model_config(const Config *c, const Dataset *data, ModelConfig *m, Err *err);

/* The model itself, its weights drawn from the seed; folder and run are "". */
bool new_model_open(Model *m, const Config *c, const Dataset *data, Err *err);

#endif
