/* How well a model takes off noise that is added to the images of a data set. */
#ifndef DIFFC_CLI_DENOISE_DATA_H
#define DIFFC_CLI_DENOISE_DATA_H

#include "cli/nll_images.h"
#include "diffusion/denoiser.h"

/* Images of a call of the denoiser. */
enum { DENOISE_IMAGES = 16 };

typedef struct {
    const Denoiser *denoiser;
    const NllImages *images;
    NoiseLevel level;
    uint64_t seed; /* an image's noise depends on it and on the image alone */
} DenoiseData;

/* mean_i (eps_hat_i - eps_i)^2 of x = alpha x0 + sigma eps, what training makes small: its mean over
 * the images, and that mean's standard error, NaN for one image. */
typedef struct {
    double squared_error, standard_error;
} DenoiseScore;

bool denoise_data(const DenoiseData *d, DenoiseScore *score, Err *err);

#endif
