/* The weights of pytorch-fid's Inception v3 from a safetensors file, under torchvision's names: of each convolution
 * NAME
 *   NAME.conv.weight [K,C,R,S],  NAME.bn.weight, .bias, .running_mean, .running_var [K]
 * The batch norm, whose epsilon is 1e-3, is multiplied into the convolution. Other tensors are ignored, but a
 * classifier of other than 1008 classes (fc) or a second one (AuxLogits) belongs to other weights, those of
 * torchvision. */
#ifndef DIFFC_INCEPTION_WEIGHTS_H
#define DIFFC_INCEPTION_WEIGHTS_H

#include "base/err.h"
#include "base/params.h"

/* block: [table->block_floats], of the table that inception_declare filled. ERR_FORMAT names the tensor that is
 * missing, has another shape, is not finite or belongs to other weights. */
bool inception_weights_read(const char *path, const ParamTable *table, float *block, Err *err);

#endif
