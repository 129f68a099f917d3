#include "cli/denoise_image.h"

#include <math.h>

#include "diffusion/likelihood.h"

/* Levels of grey in one unit of the model. */
static double greys_in_unit(void)
{
    return (model_pixels.levels - 1) / (model_pixels.high - model_pixels.low);
}

double noise_in_greys(NoiseLevel level)
{
    return level.sigma / level.alpha * greys_in_unit();
}

NoiseLevel level_of_greys(const Process *p, double greys)
{
    if (greys <= 0) return (NoiseLevel){.alpha = 1, .time = -1};
    return process_level(p, process_time_of_logsnr(p, -log(greys / greys_in_unit())));
}

bool denoise_image(const Denoiser *denoiser, NoiseLevel level, const double *y, double *x,
                   double *eps, float *clean, Err *err)
{
    size_t dims = denoiser->dims;
    for (size_t i = 0; i < dims; i++) clean[i] = (float)y[i];
    if (level.sigma <= 0) return true;
    for (size_t i = 0; i < dims; i++) x[i] = level.alpha * y[i];
    if (!denoiser->predict(denoiser->context, 1, x, &level, 0, eps, err)) return false;
    for (size_t i = 0; i < dims; i++) clean[i] = (float)x0_from_eps(level, x[i], eps[i]);
    return true;
}
