/* What is measured on training images: step variances of the bound, and the steps that make it
 * smallest. */
#ifndef DIFFC_CLI_NLL_FIT_H
#define DIFFC_CLI_NLL_FIT_H

#include "diffusion/likelihood.h"
#include "model/model.h"

typedef struct {
    const Model *model;
    const char *path; /* data set; NULL: that of the run's configuration */
    int count;        /* images */
    uint64_t seed;
} NllFit;

/* Measures the model on images of the data's training part and gives run->variances, which *variances
 * owns (mem_free). */
bool nll_fit_variances(const NllFit *fit, const Denoiser *denoiser, BoundRun *run,
                       double **variances, Err *err);

/* Which K steps of run's process, merged, have the smallest bound (steps_optimum_merged) at the errors
 * measured on such images. m[T] out. */
bool nll_fit_steps(const NllFit *fit, const Denoiser *denoiser, const BoundRun *run, int K,
                   unsigned char *m, Err *err);

#endif
