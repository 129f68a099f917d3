#include "methods/hybrid_loss.h"

#include <math.h>

static const double LN_2 = 0.69314718055994530942;

double hybrid_value(const LossPass *p, const ChainStep *step, size_t dims, double x0, double guess,
                    double v, double *dv)
{
    const PosteriorStep *q = &step->q;
    double slope = 0, variance = learned_variance(*q, v);
    double scale = p->config->vlb_weight * p->process->T / ((double)dims * LN_2);
    double cost = chain_step_cost(step, x0, guess, variance, dv ? &slope : NULL);
    if (dv) *dv = scale * slope * 0.5 * log(q->variance_large / q->variance_small);
    return scale * cost;
}

/* Sample n: its loss, and dloss times its gradient into dy (NULL: not wanted). */
static double sample_loss(const LossPass *p, int n, const float *y, float *dy)
{
    const Network *nw = p->network;
    const TrainBatch *b = p->batch;
    Prediction kind = nw->noise->prediction;
    NoiseLevel level = process_level(p->process, (int)b->t[n]);
    ChainStep step = chain_step(p->process, (int)b->t[n]);
    double simple = 0, vlb = 0, share = (double)b->weight[n] / (double)nw->dims;
    size_t row = (size_t)n * nw->dims;
    for (size_t i = row; i < row + nw->dims; i++) {
        size_t at = network_place(nw, i), variance_at = at + (size_t)nw->image.C;
        double x = (double)b->xt[i], prediction = (double)y[at], dv = 0;
        double error = prediction - (double)b->target[i];
        double eps = eps_from_prediction(kind, level, x, prediction);
        double guess = x0_from_eps(level, x, eps);
        if (p->clip) guess = fmin(fmax(guess, -p->clip_range), p->clip_range);
        simple += error * error;
        vlb += hybrid_value(p, &step, nw->dims, x0_from_eps(level, x, (double)b->noise[i]), guess,
                            (double)y[variance_at], dy ? &dv : NULL);
        if (!dy) continue;
        dy[at] = (float)((double)p->dloss * 2 * share * error);
        dy[variance_at] = (float)((double)p->dloss * dv);
    }
    return share * simple + vlb;
}

void hybrid_pass(const LossPass *p)
{
    Network *nw = p->network;
    const TrainBatch *b = p->batch;
    network_forward(nw, p->weights, b->xt, b->t, b->label);
    const float *y = net_value(nw->net, nw->y);
    float *dy = p->grads ? net_gradient(nw->net, nw->y) : NULL;
#pragma omp parallel for schedule(static)
    for (int n = 0; n < nw->batch; n++) b->loss[n] = (float)sample_loss(p, n, y, dy);
    if (p->grads) net_backward(nw->net, p->weights, p->grads);
}
