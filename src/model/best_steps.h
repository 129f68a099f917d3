/* A model restricted to some of its steps, by a spacing and a number. */
#ifndef DIFFC_BEST_STEPS_H
#define DIFFC_BEST_STEPS_H

#include "model/measured_errors.h"
#include "model/model.h"

/* Whether K of the model's steps can be chosen so: a ddpm, eddpm or cdm model, and the spacing even,
 * leading, trailing, quadratic or dp. ERR_USAGE. */
bool check_steps(const Model *model, SpacingKind spacing, int K, Err *err);

/* Makes model->process the chain of those K steps, merged. For the spacing dp: `images`, on which the
 * model is measured, their class `label`, and whether predictions are clipped. */
bool choose_steps(Model *model, SpacingKind spacing, int K, const MeasuredImages *images, int label,
                  bool clip, Err *err);

#endif
