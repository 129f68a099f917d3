/* A network whose UNetConfig has noise_classes: a classification diffusion model (cdm.h), trained by
 * exact second-order gradients, and as a denoiser. */
#ifndef DIFFC_CDM_NETWORK_H
#define DIFFC_CDM_NETWORK_H

#include "diffusion/cdm.h"
#include "diffusion/likelihood.h"
#include "model/network.h"

/* The loss of image n is ce_weight ce[n] + mse_weight mse[n]: the cross-entropy of its class, in
 * nats, and the mean squared error of its noise, 0 for clean images (cdm.h). */
typedef struct {
    const float *xt, *eps; /* [N,H,W,C]: x_t = alpha x0 + sigma eps */
    const int *classes;    /* [N] */
    const float *sigma;    /* [N] */
    double ce_weight, mse_weight;
    float *ce, *mse; /* [N], written */
} CdmBatch;

/* One training pass: grads += dloss sum_n d loss[n] / d parameters. The noise is an input gradient
 * g = J^T c of the network (c the seed of F), so the gradient of its squared error is of second
 * order. With r = d loss / d g held fixed it is that of <c, J r>, the derivative of F along r, and
 * made exactly by forward, backward to the image alone, tangent in the direction r, and the second
 * backward pass, which takes the cross-entropy with it (Pearlmutter 1994). */
void cdm_train_pass(Network *nw, const float *weights, float *grads, const CdmBatch *batch,
                    double dloss);

/* ce and mse without gradients (validation). */
void cdm_loss(Network *nw, const float *weights, const CdmBatch *batch);

/* network_denoiser of such a network: one prediction costs a forward and a backward pass. J of the
 * noise is symmetric, so predict_vjp is its product with v; it is there after
 * network_open_denoiser with vjp. */
Denoiser cdm_denoiser(NetworkDenoiser *context);

/* ln p_t(x) in one forward pass, at the classes of the levels' times. */
DensityModel cdm_density(NetworkDenoiser *context);

/* The class of one image, for cdm_find_level. */
NoiseClassifier cdm_classifier(NetworkDenoiser *context);

#endif
