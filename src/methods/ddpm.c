/* Denoising diffusion (Ho et al. 2020); with learned variances, improved DDPM (Nichol & Dhariwal 2021). */
#include <string.h>

#include "methods/hybrid_loss.h"
#include "ops/ops.h"

void denoising_loss(const LossPass *p)
{
    Network *nw = p->network;
    const TrainBatch *b = p->batch;
    PointDims dims = {.N = nw->batch, .size = nw->dims};
    network_forward(nw, p->weights, b->xt, b->t, b->label);
    const float *y = net_value(nw->net, nw->y);
    if (nw->outputs == nw->image.C) mse_forward(&dims, b->loss, y, b->target, b->weight);
    for (int n = 0; n < nw->batch && nw->outputs != nw->image.C; n++) {
        double sum = 0;
        for (size_t i = (size_t)n * nw->dims; i < (size_t)(n + 1) * nw->dims; i++) {
            double error = (double)y[network_place(nw, i)] - (double)b->target[i];
            sum += error * error;
        }
        b->loss[n] = (float)((double)b->weight[n] / (double)nw->dims * sum);
    }
    if (!p->grads) return;
    float *dy = net_gradient(nw->net, nw->y);
    memset(dy, 0, (size_t)nw->batch * nw->dims * sizeof *dy);
    mse_backward(&dims, dy, p->dloss, y, b->target, b->weight);
    net_backward(nw->net, p->weights, p->grads);
}

void ddpm_loss(const LossPass *p)
{
    if (p->grads && p->config->learn_variance)
        hybrid_pass(p);
    else
        denoising_loss(p);
}

double ddpm_update_passes(const MethodConfig *config, size_t dims)
{
    (void)config, (void)dims;
    return 3;
}

const Method method_ddpm = {.trains_as = METHOD_DDPM,
                            .loss = ddpm_loss,
                            .update_passes = ddpm_update_passes,
                            .predict_passes = 1,
                            .denoiser = timed_denoiser};
