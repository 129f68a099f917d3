/* A mixture of Gaussians whose modes are classes, with and without its classes, and guidance of it. */
#ifndef DIFFC_TESTS_CLASSED_MIXTURE_H
#define DIFFC_TESTS_CLASSED_MIXTURE_H

#include "diffusion/guidance.h"
#include "solver_case.h"

enum { CLASSES = 3, DIMS = 2, COUNT = 5 };

/* Class k is one mode; without a class it is the whole mixture. */
extern const double class_weights[CLASSES], class_means[CLASSES * DIMS], class_stds[CLASSES];

/* Image i has class (first + i) mod classes. */
typedef struct {
    Denoiser with[CLASSES], without;
    int classes, first;
    const int *images;
    const bool *dropped;
    int calls, rows; /* rows of the last call */
} Classed;
Classed classed_mixture(void);

/* The `predict` of its denoiser, for calls without guidance. The context is a Classed. */
bool classed_predict(void *context, int count, const double *x, const NoiseLevel *levels,
                     int stride, double *eps, Err *err);
Denoiser classed_denoiser(Classed *c);

/* For calls of up to `most` images; close it with guidance_close. */
void open_guidance(Guidance *g, Classed *c, double weight, double low, double high, int most);

#endif
