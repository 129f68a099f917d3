/* Draws of the terms of a chain's bound: at which steps the predictions for an image are made, and a measure
 * of each. The terms fall about as 1/t, and so does the noise of one draw of them. So early steps get several
 * draws. Where there are fewer predictions than steps, late steps share theirs: they are cut into
 * ranges that widen by a constant factor, each with two draws of t and z. A range's sum is estimated as its
 * width times their mean, and the variance of that from their difference; both are without bias. */
#ifndef DIFFC_BOUND_DRAWS_H
#define DIFFC_BOUND_DRAWS_H

#include "diffusion/protocol.h"

/* Steps first .. first+width-1; each of the `draws` draws takes one of them at random. */
typedef struct {
    int first, width, draws;
} Range;

typedef struct {
    const LikelihoodRun *run;
    const Denoiser *denoiser;
    const NoiseSource *noise;
    int T;
    int ranges;
    Range *range;   /* [ranges], step 0 alone the first */
    int draws;      /* of an image: those of range 0, then of range 1, ... */
    int *owner;     /* [draws] range of a draw */
    double *values; /* [images, draws]: what was measured */
    Err *err;
} Bound;

/* What is taken from a prediction: a term, or the error of x0. */
typedef double Measure(const Bound *b, int t, const double *x0, const double *x, const double *eps,
                       const double *v);

/* Plans the draws and measures them all, for `count` images x0 [count, dims]. bound_draws_close frees what
 * was opened, also after a failure. */
bool bound_draws_measure(Bound *b, int count, const double *x0, Measure *measure);
void bound_draws_close(Bound *b);

/* x0 as the network predicts it, clipped as the run says. */
double predicted_x0(const LikelihoodRun *run, NoiseLevel level, double x, double eps);

#endif
