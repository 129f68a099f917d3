/* How a forward process ends. Sampling starts from noise alone, so little of the image may be left at the
 * last step: alpha_bar_T, the share of the image in the variance, is 4.0e-5 in DDPM. At .6 (50 steps of
 * DDPM's betas) every sample is drawn towards middle grey. */
#ifndef DIFFC_NOISE_END_H
#define DIFFC_NOISE_END_H

#include "diffusion/process.h"

/* A warning is due above NOISE_END_MOST; the settings it advises end at NOISE_END_USUAL. */
static const double NOISE_END_MOST = 0.01, NOISE_END_USUAL = 4e-5;
/* For SMLD and VE it is due where sigma_max is below this part of the widest distance between two images. */
static const double NOISE_END_PART = 0.25;

/* alpha^2 at the noisiest time; 0 for SMLD and VE, which add noise to an image that stays. */
double noise_end_alpha_bar(const Process *p);

/* alpha_bar after `keep` steps, spaced evenly, of the T of a linear or scaled_linear schedule: the
 * product of their 1 - beta. */
double noise_end_of_betas(ScheduleKind kind, int T, int keep, double beta_start, double beta_end);
/* The smallest beta_end, in three digits (more where it is nearly 1), with which a chain ends at
 * NOISE_END_USUAL or less; 0 where only 1 or more would do. */
double noise_end_beta_end(ScheduleKind kind, int T, int keep, double beta_start);

/* The same for the beta_max of VP and sub-VP, where ln alpha_bar = -(beta_min + beta_max) / 2. */
double noise_end_beta_max(double beta_min);
/* The same for the end of a schedule even in ln SNR, ln(alpha_bar / (1 - alpha_bar)). */
double noise_end_logsnr(void);
/* The number of steps T with which "unif", alpha_bar = 1 - (T / (T+1))^2, ends at NOISE_END_MOST or less. */
int noise_end_unif_steps(void);

#endif
