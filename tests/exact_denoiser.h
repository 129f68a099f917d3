/* Denoisers in closed form, against which samplers, likelihoods and training are tested, and many
 * points of a toy. */
#ifndef DIFFC_TESTS_EXACT_DENOISER_H
#define DIFFC_TESTS_EXACT_DENOISER_H

#include "data/toy.h"
#include "diffusion/denoiser.h"

/* The exact denoiser of data N(mean, std^2 I). The context is a GaussianData that outlives it. */
typedef struct {
    size_t dims;
    double mean, std;
} GaussianData;
Denoiser gaussian_denoiser(const GaussianData *data);

/* The exact denoiser of a mixture of isotropic Gaussians, responsibilities by logsumexp. */
typedef struct {
    size_t dims;
    int modes;
    const double *weights; /* [modes], sum 1 */
    const double *means;   /* [modes, dims] */
    const double *stds;    /* [modes] */
} MixtureData;
Denoiser mixture_denoiser(const MixtureData *data);

enum { TOY_MODES = 8 };

/* The toys that are mixtures of isotropic Gaussians; false for the others. */
typedef struct {
    int modes;
    double weights[TOY_MODES], means[TOY_MODES * TOY_DIMS], stds[TOY_MODES];
} ToyMixture;
bool toy_mixture(ToyKind kind, ToyMixture *out);

/* Points first .. first+count-1, xy [count,2]. */
void toy_points(ToyKind kind, uint64_t seed, bool held_out, uint64_t first, size_t count,
                float *xy);

#endif
