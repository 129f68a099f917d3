/* What is measured of a model on training images: step variances of the bound, and the steps that make
 * it smallest; and a model restricted to some of its steps. */
#ifndef DIFFC_MEASURED_ERRORS_H
#define DIFFC_MEASURED_ERRORS_H

#include "diffusion/likelihood.h"
#include "model/model.h"

typedef struct {
    int count;
    double *x0;      /* [count, dims] at the values of model_pixels */
    uint64_t *seeds; /* [count]: likelihood_seed */
    int *labels;     /* [count] the class of each, over `label`; NULL: none */
    void *context;
    /* Called with the predictions made, of measured_predictions in all; false stops. May be NULL. */
    bool (*progress)(void *context, long predictions);
} MeasuredImages;
long measured_predictions(const MeasuredImages *images);

/* Measures the model on these images and gives run->variances, which *variances owns (mem_free). */
bool measure_variances(const MeasuredImages *images, const Denoiser *denoiser, LikelihoodRun *run,
                       double **variances, Err *err);

/* Whether K of the model's steps can be chosen so: a ddpm, eddpm or cdm model, and the spacing even,
 * leading, trailing, quadratic or dp. ERR_USAGE. */
bool check_steps(const Model *model, SpacingKind spacing, int K, Err *err);

/* Makes model->process the chain of those K steps, merged, which check_steps has allowed. For the spacing dp: `images`, on which the
 * model is measured, their class `label` where they have no labels of their own, and whether predictions are clipped. */
bool choose_steps(Model *model, SpacingKind spacing, int K, const MeasuredImages *images, int label,
                  bool clip, Err *err);

#endif
