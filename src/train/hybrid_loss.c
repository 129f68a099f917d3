#include "train/hybrid_loss.h"

#include <math.h>

static const double LN_2 = 0.69314718055994530942;

double hybrid_value(const HybridLoss *h, const ChainStep *step, size_t dims, double x0,
                    double guess, double v, double *dv)
{
    const PosteriorStep *q = &step->q;
    double slope = 0, variance = learned_variance(*q, v);
    double scale = h->vlb_weight * h->process->T / ((double)dims * LN_2);
    double cost = chain_step_cost(step, x0, guess, variance, dv ? &slope : NULL);
    if (dv) *dv = scale * slope * 0.5 * log(q->variance_large / q->variance_small);
    return scale * cost;
}

/* One sample: its loss, and dloss times its gradient into dy (NULL: not wanted). `row` is the batch's
 * first value of it. */
static double sample_loss(const Network *nw, const HybridLoss *h, size_t row, int t, const float *y,
                          float *dy, const float *xt, const float *noise, const float *target,
                          double weight, double dloss)
{
    NoiseLevel level = process_level(h->process, t);
    ChainStep step = chain_step(h->process, t);
    double simple = 0, vlb = 0, share = weight / (double)nw->dims;
    for (size_t i = row; i < row + nw->dims; i++) {
        size_t at = network_place(nw, i), variance_at = at + (size_t)nw->image.C;
        double x = (double)xt[i], prediction = (double)y[at], dv = 0;
        double error = prediction - (double)target[i];
        double eps = eps_from_prediction(h->prediction, level, x, prediction);
        double guess = x0_from_eps(level, x, eps);
        if (h->clip) guess = fmin(fmax(guess, -h->clip_range), h->clip_range);
        simple += error * error;
        vlb += hybrid_value(h, &step, nw->dims, x0_from_eps(level, x, (double)noise[i]), guess,
                            (double)y[variance_at], dy ? &dv : NULL);
        if (!dy) continue;
        dy[at] = (float)(dloss * 2 * share * error);
        dy[variance_at] = (float)(dloss * dv);
    }
    return share * simple + vlb;
}

void hybrid_pass(Network *nw, const HybridLoss *h, const float *weights, float *grads,
                 const float *xt, const float *noise, const float *t, const float *label,
                 const float *target, const float *weight, float dloss, float *loss)
{
    network_forward(nw, weights, xt, t, label);
    const float *y = net_value(nw->net, nw->y);
    float *dy = grads ? net_gradient(nw->net, nw->y) : NULL;
#pragma omp parallel for schedule(static)
    for (int n = 0; n < nw->batch; n++)
        loss[n] = (float)sample_loss(nw, h, (size_t)n * nw->dims, (int)t[n], y, dy, xt, noise,
                                     target, (double)weight[n], (double)dloss);
    if (grads) net_backward(nw->net, weights, grads);
}
