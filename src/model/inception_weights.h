/* The weights of Inception v3 from a safetensors file with torchvision's names: of each convolution NAME
 *   NAME.conv.weight [K,C,R,S],  NAME.bn.weight, .bias, .running_mean, .running_var [K]
 * The batch norm, whose epsilon is 1e-3, is multiplied into the convolution. Other tensors, as those of the
 * classifier, are ignored. */
#ifndef DIFFC_INCEPTION_WEIGHTS_H
#define DIFFC_INCEPTION_WEIGHTS_H

#include "base/err.h"
#include "base/params.h"

/* block: [table->block_floats], of the table that inception_declare filled. ERR_FORMAT names the tensor that is
 * missing, has another shape or is not finite. */
bool inception_weights_read(const char *path, const ParamTable *table, float *block, Err *err);

#endif
