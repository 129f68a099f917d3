/* The image behind a noisy one, with noise counted in levels of grey, and how well a model removes noise
 * that is added to a set of images. */
#ifndef DIFFC_DENOISE_H
#define DIFFC_DENOISE_H

#include <stdint.h>

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

/* Images of a call of the denoiser. */
enum { DENOISE_IMAGES = 16 };

typedef struct {
    const Denoiser *denoiser;
    size_t count;
    const unsigned char *pixels; /* [count, dims] */
    void *context;
    /* Called with the number of images done; false stops with ERR_INTERRUPTED. May be NULL. */
    bool (*progress)(void *context, size_t done);
    NoiseLevel level;
    uint64_t seed; /* an image's noise depends on it and on the image alone */
} DenoiseData;

/* mean_i (eps_hat_i - eps_i)^2 of x = alpha x0 + sigma eps, what training makes small: its mean over
 * the images, and that mean's standard error, NaN for one image. */
typedef struct {
    double squared_error, standard_error;
} DenoiseScore;

/* Shared by the processes (shared_work.h). */
bool denoise_data(const DenoiseData *d, DenoiseScore *score, Err *err);

#endif
