/* Whether the noise of a method goes far enough for sampling to start from noise alone. */
#ifndef DIFFC_NOISE_ADVICE_H
#define DIFFC_NOISE_ADVICE_H

#include <stdbool.h>
#include <stddef.h>

#include "diffusion/process.h"
#include "io/config.h"
#include "io/diffusers/model_folder.h"

/* One sentence about noise that ends too early; false where it does not. `c` is the configuration that
 * can still be changed, NULL for a trained model. */
bool noise_advice(const ModelConfig *m, const Process *p, const Config *c, char *out, size_t size);

#endif
