/* Classifier-free guidance (Ho & Salimans 2022, section 3.2) as a denoiser around another one that predicts both with
 * the class of an image, eps_c, and without a class, eps_u:
 *   eps = eps_u + w (eps_c - eps_u)          (their eq. 6 with w = 1 + their w)
 * w = 0 knows no class, w = 1 is the class alone, larger w draw what is typical of the class. It acts at noise levels
 * low < sigma / alpha <= high, elsewhere w is 1 (Kynkaanniemi et al. 2024, eq. 4; their sigma is sigma / alpha
 * here, and they find that neither the noisiest nor the cleanest levels need it). As w is the same for all x, a product
 * with the Jacobian is mixed as eps is. */
#ifndef DIFFC_GUIDANCE_H
#define DIFFC_GUIDANCE_H

#include "diffusion/denoiser.h"
#include "diffusion/sample_config.h"

typedef struct {
    Denoiser inner;
    double weight, low, high;
    int most;          /* images of a call */
    const int *images; /* of the running calls; NULL: row i is image i */
    /* Of a call: first the images with their class, then those that also need a prediction without. */
    double *x, *eps, *v;     /* [2 most, dims]; v only where the inner denoiser has variances */
    double *cotangent, *jtv; /* [2 most, dims] where the inner denoiser has predict_vjp */
    NoiseLevel *levels;      /* [2 most] */
    int *rows;               /* [2 most] the image of a row */
    int *of;                 /* [most] the row with the class, for each one without */
    bool *dropped;           /* [2 most] */
} Guidance;

/* Whether settings ask for any guidance. */
static inline bool guidance_is_on(const SampleConfig *c)
{
    return c->guidance != 1;
}

/* For calls of up to `most` images; `inner` needs drop_labels. ERR_MEMORY. Closing a zeroed one is harmless. */
bool guidance_open(Guidance *g, const Denoiser *inner, const SampleConfig *c, int most, Err *err);
void guidance_close(Guidance *g);

/* The mixed denoiser; *g outlives it. A call makes one call of the inner one, with up to twice as many rows. The
 * variance of a step is that of the prediction with the class. It has no predict_pull: the two predictions of an image
 * need not be made in the same pass of a network. */
Denoiser guidance_denoiser(Guidance *g);

#endif
