/* Classification diffusion models (Yadin, Elata & Michaeli 2024): a classifier f of noise levels that
 * denoises by its input gradient and knows the density of the data. Its classes are
 *   0          clean images            alpha 1, sigma 0
 *   1 .. T     the steps 0 .. T-1 of a DDPM process
 *   T+1        noise                   alpha 0, sigma 1
 * and with logits f, L = T+1 the last class,
 *   F(x,t)     = f(x)[L] - f(x)[t]
 *   eps(x,t)   = sigma_t (grad_x F(x,t) + x)                            (theorem 3.1)
 *   ln p_t(x)  = -F(x,t) + ln N(x; 0, I)                                (theorem 3.2, t uniform)
 * Between two steps F is interpolated, linear in time. This file is the mathematics of one image;
 * its networks stand in methods/cdm.c.
 *
 * The loss of N images x_n of classes t_n with noise e_n, of which M have a class above 0, is
 *   ce_weight / N sum_n CE(softmax f(x_n), t_n) + mse_weight / M sum_{t_n > 0} |eps(x_n,t_n) - e_n|^2 / d
 * Class 0 has no noise: eps is 0 there whatever the network gives, so its squared error would be a
 * constant (1 on average) without a gradient, and is left out of the mean. A training update divides
 * both sums by N, as the paper does: every class has the weight 1 / (T+2) in the gradient, which is
 * that of the loss above with mse_weight M / N. */
#ifndef DIFFC_NOISE_CLASSES_H
#define DIFFC_NOISE_CLASSES_H

#include <stdbool.h>
#include <stddef.h>

#include "diffusion/process.h"

/* T+2. */
int cdm_classes(const Process *p);
/* The level of a class. Its time is class - 1. */
NoiseLevel cdm_level(const Process *p, int class_index);
/* The inverse for any level of the process, between classes too, and of a chain of some of its steps
 * (process_keep), whose labels are the steps of the whole one. */
double cdm_class_at(NoiseLevel level);

/* F at a class, whole or not, from the logits [classes]. */
double cdm_ratio(const float *logits, int classes, double class_at);
/* Adds scale dF/df to seed [classes]: the cotangent of the logits whose input gradient is
 * scale grad_x F. */
void cdm_seed(float *seed, int classes, double class_at, double scale);

/* eps of one value from its input gradient. */
static inline double cdm_eps(double sigma, double x, double gradient)
{
    return sigma * (gradient + x);
}

/* mean_i (eps_hat_i - eps_i)^2 of one image, and, unless r is NULL, its cotangent
 *   r_i = dloss d(mean) / d(grad F)_i = dloss 2 sigma (eps_hat_i - eps_i) / dims.
 * Both are 0 where sigma is 0: an image without noise has no squared error. */
double cdm_squared_error(double sigma, size_t dims, const float *x, const float *gradient,
                         const float *eps, double dloss, float *r);

/* The class of the largest logit, the first of equals; -1 when they are not finite. (The mean under
 * softmax would be drawn to the many classes of nearly pure noise.) */
int cdm_likeliest_class(const float *logits, int classes);

typedef struct {
    void *context;
    /* *found = cdm_likeliest_class of the network's logits for x. */
    bool (*classify)(void *context, const double *x, int *found, Err *err);
} NoiseClassifier;

/* The level of y = x0 + s n with unknown s, by bisection of the classes 0 .. T. alpha_t y is scaled as images
 * of class t are; where the classifier finds it noisier than class t, the level lies above t. Class 0,
 * sigma 0, means an image without noise. scratch [dims]; *calls counts classifications. */
bool cdm_find_level(const Process *p, const NoiseClassifier *classifier, const double *y,
                    size_t dims, double *scratch, NoiseLevel *level, int *calls, Err *err);

/* ln p_t(x) in nats. */
double cdm_log_density(const float *logits, int classes, double class_at, const double *x,
                       size_t dims);

#endif
