/* Gaussian data whose values depend on each other, with what is known of an image and the closed form of the rest. */
#ifndef DIFFC_TESTS_CORRELATED_DATA_H
#define DIFFC_TESTS_CORRELATED_DATA_H

#include "diffusion/restore.h"
#include "solver_case.h"

enum { H = 2, W = 4, DIMS = H * W };

/* N(m, S), S = Q diag(lambda) Q^T */
typedef struct {
    double mean, lambda[DIMS];
    double Q[DIMS][DIMS]; /* columns are eigenvectors */
} Correlated;

/* The context outlives the denoiser. */
Denoiser correlated_denoiser(Correlated *c);
/* The basis of the cosine transform: neighbours are alike where the first eigenvalues are the largest. The mean of
 * lambda is spread^2; smooth 0 is isotropic. */
Correlated data_of(double mean, double spread, double smooth);

typedef struct {
    double mean[DIMS], covariance[DIMS][DIMS];
} Moments;

/* Of x given y = A x + noise. */
Moments conditional(const Correlated *c, const Restore *r);

/* A restoration of 8 values that are known by an operator; its spread is SPREAD. */
extern const double known_y[DIMS];
#define SPREAD 0.6
#define MEAN   0.2
Restore known_by(OperatorKind kind, RestoreWay way, double noise);

/* Image 0 draws zeros; image 1 + n has a 1 at number n of all that is drawn: the draws 0, 1, 2 ... of the sampler
 * and, from `replaced` on, those of replacing. An image that is affine in what it draws is so known exactly. */
typedef struct {
    size_t inputs, replaced;
} UnitNoise;
NoiseSource unit_noise(UnitNoise *u);

#endif
