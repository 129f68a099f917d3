/* The hybrid loss of a network that also gives the variance v of each value's step (Nichol & Dhariwal
 * 2021, section 3.1), of a sample at step t:
 *   L_simple + vlb_weight * T * L_t,   L_simple = weight / dims * |prediction - target|^2
 * L_t is the bound's term in bits per dimension (chain_step_cost / (dims ln 2)); T L_t of a random t
 * stands for the sum over all. L_t moves v alone: the predicted image in it counts as given. */
#ifndef DIFFC_HYBRID_LOSS_H
#define DIFFC_HYBRID_LOSS_H

#include "methods/method.h"

/* vlb_weight T L_t's share of one value, and its derivative by v (unless NULL). `guess` is the
 * predicted image. Of p only the process, of two or more discrete steps, and the configuration count. */
double hybrid_value(const LossPass *p, const ChainStep *step, size_t dims, double x0, double guess,
                    double v, double *dv);

/* The pass; t[n] is the step, and `noise` what xt was made with. */
void hybrid_pass(const LossPass *p);

#endif
