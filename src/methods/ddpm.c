/* Denoising diffusion (Ho et al. 2020); with learned variances, improved DDPM (Nichol & Dhariwal 2021). */
#include <string.h>

#include "diffusion/sampler.h"
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
                       "method.betas has %d values, but method.steps is %d; schedule \"betas\" "
                       "needs one for each step",
                       n->beta_count, n->T);
    if (c->sample->steps > n->T && samples_trained_steps(c->sample))
        return err_set(err, ERR_USAGE, "sample.steps is %d, more than method.steps (%d)",
                       c->sample->steps, n->T);
    return true;
}

bool ddpm_check(const MethodCheck *c, Err *err)
{
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
                  .reads = KEYS_STEPS | KEYS_PREDICTION | KEYS_VARIANCE | KEYS_TIMES,
                  .time = TIME_CHOICE_POSITIONAL,
                  .check = check}},
    .trains_as = METHOD_DDPM,
    .loss = ddpm_loss,
    .update_passes = ddpm_update_passes,
    .predict_passes = 1,
    .denoiser = timed_denoiser};
