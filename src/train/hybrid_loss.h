/* The hybrid loss of a network that also gives the variance v of each value's step (Nichol & Dhariwal
 * 2021, section 3.1), of a sample at step t:
 *   L_simple + vlb_weight * T * L_t,   L_simple = weight / dims * |prediction - target|^2
 * L_t is the bound's term in bits per dimension (chain_step_cost / (dims ln 2)); T L_t of a random t
 * stands for the sum over all. L_t moves v alone: the predicted image in it counts as given. */
#ifndef DIFFC_HYBRID_LOSS_H
#define DIFFC_HYBRID_LOSS_H

#include "diffusion/likelihood.h"
#include "diffusion/process.h"
#include "model/network.h"

typedef struct {
    const Process *process; /* of discrete steps, two or more */
    Prediction prediction;
    double vlb_weight;
    bool clip; /* the predicted image of L_t, as the bound will be taken */
    double clip_range;
} HybridLoss;

/* vlb_weight T L_t's share of one value, and its derivative by v (unless NULL). `guess` is the
 * predicted image. */
double hybrid_value(const HybridLoss *h, const ChainStep *step, size_t dims, double x0,
                    double guess, double v, double *dv);

/* One pass over the network's batch, as network_train_pass; noise [N,H,W,C] is what xt was made
 * with, t[n] the step. grads NULL: only the losses. */
void hybrid_pass(Network *nw, const HybridLoss *h, const float *weights, float *grads,
                 const float *xt, const float *noise, const float *t, const float *label,
                 const float *target, const float *weight, float dloss, float *loss);

#endif
