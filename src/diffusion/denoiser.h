/* A denoiser is an interface: given x and a noise level it returns the noise. Samplers and
 * likelihoods see only this; a network is one implementation (src/methods/network.c), the exact denoiser
 * of a Gaussian or a Gaussian mixture another (tests/exact_denoiser.h), which makes every sampler
 * testable against closed forms. */
#ifndef DIFFC_DENOISER_H
#define DIFFC_DENOISER_H

#include <stddef.h>

#include "base/err.h"
#include "diffusion/noise_config.h"

/* x = alpha x0 + sigma eps. `time` is that of the noise process (process.h); `t` is the process's name
 * for this level, whatever the network: DDPM the step of the whole chain, SMLD and VE sigma, VP and
 * sub-VP the time. What a network is given is made of it by network_label (methods/network.h). */
typedef struct {
    double alpha, sigma, t, time;
} NoiseLevel;

typedef void CotangentFill(void *made_by, int first, int rows);

typedef struct {
    void *context;
    size_t dims; /* values per image */
    /* eps[count, dims] from x[count, dims]; image i is at levels[i * stride], stride 0 or 1.
     * ERR_DIVERGED when not finite. */
    bool (*predict)(void *context, int count, const double *x, const NoiseLevel *levels, int stride,
                    double *eps, Err *err);
    /* The same with v[count, dims], where each value's variance lies between the small and the large
     * one of a step (learned_variance in sampler.h); NULL where the variance is not learned. */
    bool (*predict_variance)(void *context, int count, const double *x, const NoiseLevel *levels,
                             int stride, double *eps, double *v, Err *err);
    /* The same as predict with the vector-Jacobian product jtv[i] = sum_j v[j] d eps[j] / d x[i] of each image;
     * NULL where there is none. */
    bool (*predict_vjp)(void *context, int count, const double *x, const NoiseLevel *levels,
                        int stride, const double *v, double *eps, double *jtv, Err *err);
    /* The same where v is made of eps: once the rows first .. first+rows-1 of eps are there, fill(made_by, first, rows)
     * writes those of v. It is called from several threads, each for other rows. NULL: predict and predict_vjp
     * after each other do the same, with a prediction more. */
    bool (*predict_pull)(void *context, int count, const double *x, const NoiseLevel *levels,
                         int stride, CotangentFill *fill, void *made_by, const double *v,
                         double *eps, double *jtv, Err *err);
    /* Row i of the following calls is image images[i]; NULL: image i again. For callers that leave images
     * out of a call. The member is NULL where predictions do not depend on the image's number. */
    void (*choose_images)(void *context, const int *images);
    /* Rows i of the following calls with dropped[i] are predicted without their class; NULL: none is. The member is
     * NULL where nothing is known of images without a class (guidance.h). */
    void (*drop_labels)(void *context, const bool *dropped);
} Denoiser;

/* choose_images, where there is one. */
static inline void denoiser_choose(const Denoiser *d, const int *images)
{
    if (d->choose_images) d->choose_images(d->context, images);
}

/* The kinds of prediction convert exactly:
 *   x0 = (x - sigma eps) / alpha        eps = (x - alpha x0) / sigma
 *   v  = c (alpha eps - sigma x0)       c = 1 / sqrt(alpha^2 + sigma^2)
 *   score = -eps / sigma
 * A network that predicts v is given c x, whose two parts have squares that sum to 1 as in a chain of DDPM,
 * where c is 1; elsewhere it is the preconditioning of Karras et al. 2022 for data of standard deviation 1. */
double eps_from_prediction(Prediction kind, NoiseLevel level, double x, double prediction);
/* The same for n values of one image, to the same bits. */
void eps_from_predictions(Prediction kind, NoiseLevel level, size_t n, const double *x,
                          const float *prediction, double *eps);
double target_of_prediction(Prediction kind, NoiseLevel level, double x0, double eps);
double input_scale(Prediction kind, NoiseLevel level); /* c of v, else 1 */
static inline double x0_from_eps(NoiseLevel level, double x, double eps)
{
    return (x - level.sigma * eps) / level.alpha;
}
double score_from_eps(NoiseLevel level, double eps);

/* Weight of one sample's loss so that it is simple (1) or Min-SNR (Hang et al. 2023, gamma):
 * eps min(snr,g)/snr, x0 min(snr,g), v min(snr,g)/(snr+1); snr = alpha^2/sigma^2; snr 0: 1.
 * gamma <= 0 means simple. A score's weight is that of eps times sigma^2, which makes its loss the
 * same (Song & Ermon 2019, eq. 6 with lambda = sigma^2). */
double objective_weight(Prediction kind, NoiseLevel level, double min_snr_gamma);

#endif
