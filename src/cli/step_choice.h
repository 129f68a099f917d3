/* A model restricted to some of its steps, by a spacing and a number. */
#ifndef DIFFC_CLI_STEP_CHOICE_H
#define DIFFC_CLI_STEP_CHOICE_H

#include "cli/nll_fit.h"
#include "model/model.h"

/* Makes model->process the chain of K steps, merged, of a ddpm or eddpm model. spacing: even, leading,
 * trailing, quadratic or dp, for which `fit` says where images are (its model is set here) and label is
 * their class; clip: whether predictions are clipped. ERR_USAGE. */
bool choose_steps(Model *model, SpacingKind spacing, int K, NllFit fit, int label, bool clip,
                  Err *err);

#endif
