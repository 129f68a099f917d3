/* Three ways to learn the score s(x) = grad log p(x) of the noisy points x, for networks that give
 * it. All are the Fisher divergence up to a constant of the network (D dims):
 *   denoising  w/D |s - target|^2, target = -eps/sigma  (Vincent 2011)
 *   exact      w/D (|s|^2 + 2 tr ds/dx)                 (Hyvarinen 2005)
 *   sliced     w/D (|s|^2 + 2 mean_m v_m^T ds/dx v_m), v_m random signs: the form with less variance
 *              of Song et al. 2019 (equation 8)
 * With w = sigma^2 the first one's expectation is that of the other two plus 1. */
#include <string.h>

#include "base/rng.h"
#include "math/vec.h"
#include "methods/method.h"

void score_slice(uint64_t seed, uint64_t sample, int slice, size_t dims, float *v)
{
    enum { BITS = 128 }; /* of a block */
    uint32_t words[4];
    uint64_t first = (uint64_t)slice * ((dims + BITS - 1) / BITS);
    for (size_t d = 0; d < dims; d++) {
        if (d % BITS == 0) rng_block(seed, rng_stream(RNG_SLICE, sample), first + d / BITS, words);
        v[d] = words[d % BITS / 32] >> (d % 32) & 1 ? 1.0f : -1.0f;
    }
}

/* Direction m of every sample: the m-th axis, or its m-th slice. */
static void fill_directions(const LossPass *p, int m, float *v)
{
    const Network *nw = p->network;
    for (int n = 0; n < nw->batch; n++) {
        float *row = v + (size_t)n * nw->dims;
        if (p->config->objective == OBJECTIVE_SLICED)
            score_slice(p->seed, p->first + (uint64_t)n, m, nw->dims, row);
        else
            for (size_t d = 0; d < nw->dims; d++) row[d] = d == (size_t)m ? 1.0f : 0.0f;
    }
}

/* to[n,:] = factor weight[n] / dims * from[n,:] */
static void weigh(const Network *nw, float *to, const float *from, const float *weight,
                  double factor)
{
    for (int n = 0; n < nw->batch; n++)
        vec->scale(to + (size_t)n * nw->dims,
                   (float)(factor * (double)weight[n] / (double)nw->dims),
                   from + (size_t)n * nw->dims, nw->dims);
}

/* loss[n] += factor weight[n] / dims * <a[n,:], b[n,:]> */
static void add_products(const Network *nw, float *loss, const float *a, const float *b,
                         const float *weight, double factor)
{
    for (int n = 0; n < nw->batch; n++) {
        size_t at = (size_t)n * nw->dims;
        double product = vec->dot(a + at, b + at, nw->dims);
        loss[n] += (float)(factor * (double)weight[n] / (double)nw->dims * product);
    }
}

/* With s = y and J its Jacobian, the loss is <y, y> + 2 mean <v, J v>, and its gradient by y is 2 y,
 * by ydot = J v (of each direction) 2 v / count: what backward2 takes as my and ly. Every direction
 * needs the passes anew, for they give their buffers away. */
void score_trace_loss(const LossPass *p)
{
    Network *nw = p->network;
    Net *net = nw->net;
    const TrainBatch *b = p->batch;
    bool sliced = p->config->objective == OBJECTIVE_SLICED;
    int directions = sliced ? p->config->slices : (int)nw->dims;
    double share = sliced ? 1.0 / directions : 1.0, dloss = (double)p->dloss;
    size_t values = (size_t)nw->batch * nw->dims;
    memset(b->loss, 0, (size_t)nw->batch * sizeof *b->loss);
    for (int k = 0; k < directions; k++) {
        network_forward(nw, p->weights, b->xt, b->t, b->label);
        const float *y = net_value(net, nw->y);
        float *v = net_tangent_of(net, nw->x);
        fill_directions(p, k, v);
        if (p->grads) {
            weigh(nw, net_gradient(net, nw->y), v, b->weight, 2 * share * dloss);
            net_backward(net, p->weights, NULL);
        }
        net_tangent(net, p->weights);
        if (k == 0) add_products(nw, b->loss, y, y, b->weight, 1);
        add_products(nw, b->loss, v, net_tangent_of(net, nw->y), b->weight, 2 * share);
        if (!p->grads) continue;
        float *my = net_gradient2(net, nw->y);
        if (k == 0)
            weigh(nw, my, y, b->weight, 2 * dloss);
        else
            memset(my, 0, values * sizeof *my);
        net_backward2(net, p->weights, p->grads);
    }
}

void score_loss(const LossPass *p)
{
    if (p->grads && p->config->objective != OBJECTIVE_DENOISING)
        score_trace_loss(p);
    else
        denoising_loss(p);
}

double score_update_passes(const MethodConfig *config, size_t dims)
{
    switch (config->objective) {
    case OBJECTIVE_EXACT:
        return 6.0 * (double)dims;
    case OBJECTIVE_SLICED:
        return 6.0 * config->slices;
    default:
        return 3;
    }
}
