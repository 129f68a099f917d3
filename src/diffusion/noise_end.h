/* How a forward process ends. Sampling starts from noise alone, so little of the image may be left at the
 * last step: alpha_bar_T, the share of the image in the variance, is 4.0e-5 in DDPM. At .6 (50 steps of
 * DDPM's betas) every sample is drawn towards middle grey. */
#ifndef DIFFC_NOISE_END_H
#define DIFFC_NOISE_END_H

#include "diffusion/process.h"

/* More than NOISE_END_MOST is worth a warning; what is advised ends at NOISE_END_USUAL. */
static const double NOISE_END_MOST = 0.01, NOISE_END_USUAL = 4e-5;
/* The same of SMLD and VE: sigma_max below this part of the widest distance between two images. */
static const double NOISE_END_PART = 0.25;

/* alpha^2 at the noisiest time; 0 for SMLD and VE, which add noise to an image that stays. */
double noise_end_alpha_bar(const Process *p);

/* alpha_bar after `keep` steps, spaced evenly, of the T of a linear or scaled_linear schedule: the
 * product of their 1 - beta. */
double noise_end_of_betas(ScheduleKind kind, int T, int keep, double beta_start, double beta_end);
/* The smallest beta_end of three digits (more where it is nearly 1) for which that is at most
 * NOISE_END_USUAL; 0 where none is below 1. */
double noise_end_beta_end(ScheduleKind kind, int T, int keep, double beta_start);

/* The same of VP and sub-VP, ln alpha_bar = -(beta_min + beta_max) / 2: beta_max. */
double noise_end_beta_max(double beta_min);
/* Of a schedule even in ln SNR: its end, ln(alpha_bar / (1 - alpha_bar)). */
double noise_end_logsnr(void);
/* Of "unif", alpha_bar = 1 - (T / (T+1))^2: the steps after which it is at most NOISE_END_MOST. */
int noise_end_unif_steps(void);

#endif
