/* Three ways to learn the score s(x) = grad log p(x) of the noisy points x, for networks that give
 * it. All are the Fisher divergence up to a constant of the network (D dims):
 *   denoising  w/D |s - target|^2, target = -eps/sigma  (Vincent 2011)
 *   exact      w/D (|s|^2 + 2 tr ds/dx)                 (Hyvarinen 2005)
 *   sliced     w/D (|s|^2 + 2 mean_m v_m^T ds/dx v_m), v_m random signs: the form with less variance
 *              of Song et al. 2019 (equation 8)
 * With w = sigma^2 the first one's expectation is that of the other two plus 1. */
#ifndef DIFFC_SCORE_OBJECTIVE_H
#define DIFFC_SCORE_OBJECTIVE_H

#include "methods/method.h"

/* Signs v[dims] of direction `slice` of a sample. */
void score_slice(uint64_t seed, uint64_t sample, int slice, size_t dims, float *v);

/* The exact or sliced pass. Needs a plan NET_SECOND and an x that wants its gradient, costs dims or
 * `slices` times the four passes, and does not read target; p->first numbers the samples whose
 * directions are drawn. */
void score_trace_loss(const LossPass *p);

#endif
