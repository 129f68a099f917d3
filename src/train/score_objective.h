/* Three ways to learn the score s(x) = grad log p(x) of the noisy points x, for networks that give
 * it. All are the Fisher divergence up to a constant of the network (D dims):
 *   denoising  w/D |s - target|^2, target = -eps/sigma  (Vincent 2011)
 *   exact      w/D (|s|^2 + 2 tr ds/dx)                 (Hyvarinen 2005)
 *   sliced     w/D (|s|^2 + 2 mean_m v_m^T ds/dx v_m), v_m random signs: the form with less variance
 *              of Song et al. 2019 (equation 8)
 * With w = sigma^2 the first one's expectation is that of the other two plus 1. */
#ifndef DIFFC_SCORE_OBJECTIVE_H
#define DIFFC_SCORE_OBJECTIVE_H

#include "methods/method_config.h"
#include "model/network.h"

typedef struct {
    ScoreObjective kind;
    int slices;      /* sliced: directions of a sample */
    uint64_t seed;   /* sliced: of the directions */
    uint64_t sample; /* sliced: number of the batch's first sample in the run */
} ScoreMatching;

/* Signs v[dims] of direction `slice` of a sample. */
void score_slice(uint64_t seed, uint64_t sample, int slice, size_t dims, float *v);

/* One pass over the network's batch, as network_train_pass: loss[n] as above, and
 * grads += sum_n dloss dloss[n]/dparameters; grads NULL: only the losses. Exact and sliced need a
 * plan NET_SECOND and an x that wants its gradient, and cost dims or `slices` times the four passes;
 * they do not read target. */
void score_matching_pass(Network *nw, const ScoreMatching *m, const float *weights, float *grads,
                         const float *xt, const float *t, const float *label, const float *target,
                         const float *weight, float dloss, float *loss);

#endif
