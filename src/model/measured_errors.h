/* What is measured of a model on training images: step variances of the bound, and the steps that make
 * it smallest. */
#ifndef DIFFC_MEASURED_ERRORS_H
#define DIFFC_MEASURED_ERRORS_H

#include "diffusion/likelihood.h"
#include "io/diffusers/model_folder.h"

typedef struct {
    int count;
    double *x0;      /* [count, dims] at the values of model_pixels */
    uint64_t *seeds; /* [count]: likelihood_seed */
    void *context;
    /* Called with the predictions made, of measured_predictions in all; false stops. May be NULL. */
    bool (*progress)(void *context, long predictions);
} MeasuredImages;
long measured_predictions(const MeasuredImages *images);

/* Measures the model on these images and gives run->variances, which *variances owns (mem_free). */
bool measure_variances(const MeasuredImages *images, const Denoiser *denoiser, LikelihoodRun *run,
                       double **variances, Err *err);

/* Which K steps of run's process, merged, have the smallest bound (steps_optimum_merged) at the errors
 * measured on the images. model: what the process was made from. m[T] out. */
bool measure_steps(const MeasuredImages *images, const ModelConfig *model, const Denoiser *denoiser,
                   const LikelihoodRun *run, int K, unsigned char *m, Err *err);

#endif
