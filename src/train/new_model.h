/* The model that a configuration makes of a data set, before any training. */
#ifndef DIFFC_NEW_MODEL_H
#define DIFFC_NEW_MODEL_H

#include "data/dataset.h"
#include "diffusion/widest_pair.h"
#include "io/config.h"
#include "model/model.h"

/* Fills what the configuration leaves to the data ("auto", 0): sigma_max is the largest distance
 * between two training images (widest_pair.h), or a lower bound of it (sigma_max_at_least), and SMLD's
 * number of levels follows the ratio rule (Song & Ermon 2020, techniques 1 and 2). m receives the
 * method; its network is left. The betas stay the configuration's. */
bool new_model_method(const Config *c, const PointSet *data, ModelConfig *m, Err *err);

/* Its method, with what c, resolved (config_resolve), leaves to the data, and its network. m's betas are
 * its own. ERR_USAGE where configuration and data do not go together. */
bool new_model_config(const Config *c, const Dataset *data, ModelConfig *m, Err *err);

/* The model itself, its weights drawn from the seed; folder and run are "". */
bool new_model_open(Model *m, const Config *c, const Dataset *data, Err *err);

#endif
