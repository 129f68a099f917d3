/* Scoring images with a model by a protocol. */
#ifndef DIFFC_SCORING_H
#define DIFFC_SCORING_H

#include "diffusion/protocol.h"
#include "model/model.h"

/* The protocol by default. */
const Protocol *model_usual_protocol(const Model *m);
/* The protocol `name` or, for NULL, the one by default. ERR_USAGE for no protocol, and for one that cannot
 * score this model, which is called `path`. */
bool model_choose_protocol(const Model *m, const char *name, const char *path, const Protocol **out,
                           Err *err);

/* The defaults of a protocol for a model; files: image files are scored, not a data set. */
LikelihoodRun model_likelihood_run(const Model *m, const Protocol *p, bool files);

/* Plans the network for so many images scored together. label: as model_prepare. */
bool model_prepare_protocol(Model *m, const Protocol *p, const LikelihoodRun *run, int images,
                            int label, LikelihoodModel *out, Err *err);

#endif
