/* A network whose UNetConfig has noise_classes: a classification diffusion model (noise_classes.h), trained by
 * exact second-order gradients, and as a denoiser. */
#ifndef DIFFC_CDM_H
#define DIFFC_CDM_H

#include "diffusion/likelihood.h"
#include "methods/method.h"

/* loss[n] = ce_weight part[0][n] + mse_weight part[1][n]: the cross-entropy of its class, in nats, and the
 * mean squared error of its noise, 0 for clean images. The noise is an input gradient
 * g = J^T c of the network (c the seed of F), so the gradient of its squared error is of second
 * order. With r = d loss / d g held fixed it is that of <c, J r>, the derivative of F along r, and
 * made exactly by forward, backward to the image alone, tangent in the direction r, and the second
 * backward pass, which takes the cross-entropy with it (Pearlmutter 1994). */
void cdm_loss(const LossPass *p);

/* network_denoiser of such a network: one prediction costs a forward and a backward pass. J of the
 * noise is symmetric, so predict_vjp is its product with v; it is there after
 * network_open_denoiser with vjp. */
Denoiser cdm_denoiser(NetworkDenoiser *context);

/* ln p_t(x) in one forward pass, at the classes of the levels' times. */
DensityModel cdm_density(NetworkDenoiser *context);

/* The class of one image, for cdm_find_level. */
NoiseClassifier cdm_classifier(NetworkDenoiser *context);

#endif
