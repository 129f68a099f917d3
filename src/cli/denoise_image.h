/* The image behind a noisy one, with noise counted in levels of grey. */
#ifndef DIFFC_CLI_DENOISE_IMAGE_H
#define DIFFC_CLI_DENOISE_IMAGE_H

#include "diffusion/denoiser.h"
#include "diffusion/process.h"

/* sigma / alpha, the standard deviation of the noise of x / alpha, in levels of grey. */
double noise_in_greys(NoiseLevel level);
/* The level of a process nearest to noise of so many levels of grey; 0: the clean one. */
NoiseLevel level_of_greys(const Process *p, double greys);

/* clean[i] = E[x0 | y] for the noisy image y = x0 + (sigma / alpha) n, the best estimate by squared
 * error: one prediction at x = alpha y. At the clean level it is y, and nothing is predicted. x and
 * eps [dims] are scratch. */
bool denoise_image(const Denoiser *denoiser, NoiseLevel level, const double *y, double *x,
                   double *eps, float *clean, Err *err);

#endif
