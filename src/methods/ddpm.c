/* Denoising diffusion (Ho et al. 2020); with learned variances, improved DDPM (Nichol & Dhariwal 2021).
 *
 * The hybrid loss of a network that also gives the variance v of each value's step (Nichol & Dhariwal 2021,
 * section 3.1), of a sample at step t:
 *   L_simple + vlb_weight * T * L_t,   L_simple = weight / dims * |prediction - target|^2
 * L_t is the bound's term in bits per dimension (chain_step_cost / (dims ln 2)); T L_t of a random t
 * stands for the sum over all. L_t moves v alone: the predicted image in it counts as given. */
#include <math.h>
#include <string.h>

#include "diffusion/sampler.h"
#include "methods/method.h"
#include "ops/ops.h"

static const double LN_2 = 0.69314718055994530942;

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

void hybrid_loss(const LossPass *p)
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

void ddpm_loss(const LossPass *p)
{
    if (p->grads && p->config->learn_variance)
        hybrid_loss(p);
    else
        denoising_loss(p);
}

double ddpm_update_passes(const MethodConfig *config, size_t dims)
{
    (void)config, (void)dims;
    return 3;
}

/* Whether each of sample.steps is a trained step of its own; other samplers and spacings make
 * several calls at a step, or lie between the trained ones. */
static bool samples_trained_steps(const SampleConfig *c)
{
    bool own = strcmp(c->sampler, "auto") == 0;
    const Sampler *s = sampler_find(own ? method_ddpm.settings->sampler : c->sampler);
    if (!s || s->levels) return false;
    return (c->spacing == SPACING_AUTO ? s->spacing : c->spacing) <= SPACING_QUADRATIC;
}

bool steps_check(const MethodCheck *c, Err *err)
{
    const NoiseConfig *n = &c->method->noise;
    if (n->schedule == SCHEDULE_BETAS && n->beta_count != n->T)
        return err_set(err, ERR_USAGE,
                       "method.betas has %d value%s, but method.steps is %d; schedule \"betas\" "
                       "needs one for each step",
                       n->beta_count, n->beta_count == 1 ? "" : "s", n->T);
    if (c->sample->steps > n->T && samples_trained_steps(c->sample))
        return err_set(err, ERR_USAGE, "sample.steps is %d, more than method.steps (%d)",
                       c->sample->steps, n->T);
    return true;
}

bool no_score_check(const MethodCheck *c, Err *err)
{
    if (c->method->noise.prediction != PREDICT_SCORE) return true;
    return err_set(
        err, ERR_USAGE,
        "method.prediction is \"score\", which the networks of smld and sde ve give; this "
        "method has \"eps\", \"x0\" and \"v\"");
}

bool ddpm_check(const MethodCheck *c, Err *err)
{
    if (!no_score_check(c, err)) return false;
    if (c->model->time == TIME_CHOICE_FOURIER)
        return err_set(
            err, ERR_USAGE,
            "model.time is \"fourier\", but the steps of ddpm and eddpm are whole numbers from 0, "
            "which need \"positional\"");
    if (c->method->noise.schedule == SCHEDULE_UNIF)
        return err_set(
            err, ERR_USAGE,
            "method.schedule is \"unif\", which is for the method cdm; ddpm and eddpm have "
            "linear, scaled_linear, cosine, betas and logsnr");
    return steps_check(c, err);
}

static bool check(const MethodCheck *c, Err *err)
{
    if (!ddpm_check(c, err)) return false;
    if (!c->method->learn_variance) return true;
    if (c->points)
        return err_set(err, ERR_USAGE,
                       "method.learn_variance is true, but the points of a data.toy have no levels "
                       "of grey, which its loss is about; leave it out");
    if (c->method->noise.T < 2)
        return err_set(
            err, ERR_USAGE,
            "method.learn_variance is true, but method.steps is %d; between the variances "
            "of one step there is nothing to learn, so two or more are needed",
            c->method->noise.T);
    if (c->sample->variance == VARIANCE_LARGE)
        return err_set(
            err, ERR_USAGE,
            "sample.variance is \"large\", but method.learn_variance is true and the model "
            "samples with the variance that it learns; leave one of them out");
    return true;
}

const Method method_ddpm = {
    .settings = {{.process = PROCESS_DDPM,
                  .sampler = "ddpm",
                  .reads = KEYS_STEPS | KEYS_PREDICTION | KEYS_MIN_SNR | KEYS_VARIANCE | KEYS_TIMES,
                  .time = TIME_CHOICE_POSITIONAL,
                  .check = check}},
    .trains_as = METHOD_DDPM,
    .loss = ddpm_loss,
    .update_passes = ddpm_update_passes,
    .predict_passes = 1,
    .predict = timed_predict};
