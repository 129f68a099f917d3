/* The training images on which a model's errors are measured. */
#ifndef DIFFC_CLI_FIT_IMAGES_H
#define DIFFC_CLI_FIT_IMAGES_H

#include "model/measured_errors.h"
#include "model/model.h"

/* `count` images of the training part of `data`; NULL: of the data that the model's run was trained
 * on. Made to fit, as in training. f must stay where it is; fit_images_close also after a failure. */
bool fit_images_open(MeasuredImages *f, const Model *m, const char *data, int count, uint64_t seed,
                     Err *err);
void fit_images_close(MeasuredImages *f);

#endif
