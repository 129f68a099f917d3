/* A classification diffusion model (noise_classes.h), trained by exact second-order gradients, and as a
 * denoiser. One prediction costs a forward and a backward pass. */
#include <math.h>
#include <string.h>

#include "methods/method.h"
#include "ops/ops.h"

static size_t logit_floats(const Network *nw)
{
    return (size_t)nw->batch * (size_t)nw->noise_classes;
}

static const float *logits_of(const Network *nw, int image)
{
    return net_value(nw->net, nw->y) + (size_t)image * (size_t)nw->noise_classes;
}

/* Forward, and the backward pass from the seeds in net_gradient(y) to the image. */
static void input_gradient(Network *nw, const float *weights)
{
    net_forward(nw->net, weights);
    net_backward(nw->net, weights, NULL);
}

static void seed_classes(Network *nw, const int *classes)
{
    float *seed = net_gradient(nw->net, nw->y);
    memset(seed, 0, logit_floats(nw) * sizeof *seed);
    for (int n = 0; n < nw->batch; n++)
        cdm_seed(seed + (size_t)n * (size_t)nw->noise_classes, nw->noise_classes, classes[n], 1);
}

/* Both losses; r, unless it is NULL, receives the cotangent of the input gradients. */
static void losses(const LossPass *p, float *r)
{
    Network *nw = p->network;
    const TrainBatch *b = p->batch;
    const MethodConfig *c = p->config;
    XentDims logits = {.N = nw->batch, .C = nw->noise_classes};
    memcpy(net_value(nw->net, nw->x), b->xt, (size_t)nw->batch * nw->dims * sizeof *b->xt);
    seed_classes(nw, b->classes);
    input_gradient(nw, p->weights);
    xent_forward(&logits, b->part[0], net_value(nw->net, nw->y), b->classes);
    const float *gradient = net_gradient(nw->net, nw->x);
#pragma omp parallel for schedule(static)
    for (int n = 0; n < nw->batch; n++) {
        size_t at = (size_t)n * nw->dims;
        double error =
            cdm_squared_error((double)b->sigma[n], nw->dims, b->xt + at, gradient + at,
                              b->target + at, (double)p->dloss * c->mse_weight, r ? r + at : NULL);
        b->part[1][n] = (float)error;
        b->loss[n] =
            (float)(c->ce_weight * (double)b->part[0][n] + c->mse_weight * (double)b->part[1][n]);
    }
}

#ifdef DIFFC_CHECKS
static double dot(const float *a, const float *b, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += (double)a[i] * (double)b[i];
    return sum;
}

/* <c, J r> = <r, g> image by image: the tangent pass is the transpose of the backward pass, with
 * the same dropout masks. Rounding is that of the logits that c takes, whose difference can be much
 * smaller, and of <r, g>; of a T of 1000 the two sides were apart by up to 1e-6 of it, untrained and
 * trained. Written so that NaN passes, which the caller reports. */
static void check_transpose(const Network *nw)
{
    for (int n = 0; n < nw->batch; n++) {
        size_t C = (size_t)nw->noise_classes, at = (size_t)n * nw->dims, row = (size_t)n * C;
        const float *c = net_gradient(nw->net, nw->y) + row;
        const float *ydot = net_tangent_of(nw->net, nw->y) + row;
        const float *g = net_gradient(nw->net, nw->x) + at;
        const float *r = net_tangent_of(nw->net, nw->x) + at;
        double rounding = sqrt(dot(g, g, nw->dims) * dot(r, r, nw->dims));
        for (size_t k = 0; k < C; k++) rounding += fabs((double)c[k] * (double)ydot[k]);
        double apart = fabs(dot(c, ydot, C) - dot(g, r, nw->dims));
        CHECK(!(apart > 1e-5 * rounding));
    }
}
#endif

/* loss[n] = ce_weight part[0][n] + mse_weight part[1][n]: the cross-entropy of its class, in nats, and the
 * mean squared error of its noise, 0 for clean images. The noise is an input gradient
 * g = J^T c of the network (c the seed of F), so the gradient of its squared error is of second
 * order. With r = d loss / d g held fixed it is that of <c, J r>, the derivative of F along r, and
 * made exactly by forward, backward to the image alone, tangent in the direction r, and the second
 * backward pass, which takes the cross-entropy with it (Pearlmutter 1994). */
static void cdm_loss(const LossPass *p)
{
    Network *nw = p->network;
    losses(p, p->grads ? net_tangent_of(nw->net, nw->x) : NULL);
    if (!p->grads) return;
    XentDims logits = {.N = nw->batch, .C = nw->noise_classes};
    net_tangent(nw->net, p->weights);
#ifdef DIFFC_CHECKS
    check_transpose(nw);
#endif
    float *mu = net_gradient2(nw->net, nw->y);
    memset(mu, 0, logit_floats(nw) * sizeof *mu);
    xent_backward(&logits, mu, (float)((double)p->dloss * p->config->ce_weight),
                  net_value(nw->net, nw->y), p->batch->classes);
    net_backward2(nw->net, p->weights, p->grads);
}

/* The inputs of images first .. first+part-1; places beyond repeat the last one. */
static void set_images(Network *nw, int part, const double *x)
{
    float *input = net_value(nw->net, nw->x);
    for (int n = 0; n < nw->batch; n++) {
        const double *image = x + (size_t)(n < part ? n : part - 1) * nw->dims;
        for (size_t i = 0; i < nw->dims; i++) input[(size_t)n * nw->dims + i] = (float)image[i];
    }
}

static void seed_levels(Network *nw, int part, const NoiseLevel *levels, int stride)
{
    float *seed = net_gradient(nw->net, nw->y);
    memset(seed, 0, logit_floats(nw) * sizeof *seed);
    for (int n = 0; n < part; n++)
        cdm_seed(seed + (size_t)n * (size_t)nw->noise_classes, nw->noise_classes,
                 cdm_class_at(levels[n * stride]), 1);
}

/* out = sigma (of + with), where `of` is what the network gave for `with`. */
static void to_noise(const Network *nw, int part, const float *of, const double *with,
                     const NoiseLevel *levels, int stride, double *out)
{
    for (int n = 0; n < part; n++)
        for (size_t k = 0; k < nw->dims; k++) {
            size_t i = (size_t)n * nw->dims + k;
            out[i] = cdm_eps(levels[n * stride].sigma, with[i], (double)of[i]);
        }
}

/* H v, the derivative of grad F along v: the second backward pass with no cotangent of its own. */
static const float *hessian_times(Network *nw, const float *weights, int part, const double *v)
{
    float *direction = net_tangent_of(nw->net, nw->x);
    size_t n = (size_t)part * nw->dims, all = (size_t)nw->batch * nw->dims;
    for (size_t i = 0; i < n; i++) direction[i] = (float)v[i];
    memset(direction + n, 0, (all - n) * sizeof *direction);
    net_tangent(nw->net, weights);
    memset(net_gradient2(nw->net, nw->y), 0, logit_floats(nw) * sizeof(float));
    net_backward2(nw->net, weights, NULL);
    return net_gradient2(nw->net, nw->x);
}

/* J of the noise is symmetric, so its vector-Jacobian product is J v. */
static bool cdm_predict(const NetworkPart *p, const NetworkCall *c, Err *err)
{
    Network *nw = p->network;
    size_t at = (size_t)p->first * nw->dims, n = (size_t)p->count * nw->dims;
    const NoiseLevel *levels = c->levels + p->first * c->stride;
    const float *weights = p->denoiser->weights;
    set_images(nw, p->count, c->x + at);
    seed_levels(nw, p->count, levels, c->stride);
    input_gradient(nw, weights);
    to_noise(nw, p->count, net_gradient(nw->net, nw->x), c->x + at, levels, c->stride, c->eps + at);
    for (size_t i = 0; i < n; i++) {
        int row = (int)(i / nw->dims);
        if (!isfinite(c->eps[at + i]))
            return err_set(err, ERR_DIVERGED,
                           "the network's input gradient is not finite at time step %g (image %d)",
                           levels[row * c->stride].t, network_image(p->denoiser, p->first + row));
    }
    if (c->fill) c->fill(c->made_by, p->first, p->count);
    if (c->v)
        to_noise(nw, p->count, hessian_times(nw, weights, p->count, c->v + at), c->v + at, levels,
                 c->stride, c->jtv + at);
    return true;
}

static bool density_part(const NetworkPart *p, const NetworkCall *c, Err *err)
{
    Network *nw = p->network;
    set_images(nw, p->count, c->x + (size_t)p->first * nw->dims);
    net_forward(nw->net, p->denoiser->weights);
    for (int n = 0; n < p->count; n++) {
        int row = p->first + n;
        c->log_p[row] = cdm_log_density(logits_of(nw, n), nw->noise_classes,
                                        cdm_class_at(c->levels[row * c->stride]),
                                        c->x + (size_t)row * nw->dims, nw->dims);
        if (!isfinite(c->log_p[row]))
            return err_set(err, ERR_DIVERGED, "the network's logits are not finite (image %d)",
                           row);
    }
    return true;
}

static bool log_density(void *context, int count, const double *x, const NoiseLevel *levels,
                        int stride, double *log_p, Err *err)
{
    const NetworkCall call = {.x = x, .levels = levels, .stride = stride, .log_p = log_p};
    return network_in_parts(context, count, density_part, &call, err);
}

static DensityModel cdm_density(NetworkDenoiser *context)
{
    return (DensityModel){
        .context = context, .dims = context->network->dims, .log_density = log_density};
}

static bool classify(void *context, const double *x, int *found, Err *err)
{
    NetworkDenoiser *d = context;
    set_images(d->network, 1, x);
    net_forward(d->network->net, d->weights);
    *found = cdm_likeliest_class(logits_of(d->network, 0), d->network->noise_classes);
    return *found >= 0 || err_set(err, ERR_DIVERGED, "the network's logits are not finite");
}

static NoiseClassifier cdm_classifier(NetworkDenoiser *context)
{
    return (NoiseClassifier){.context = context, .classify = classify};
}

/* Cross-entropy over all images, squared error over those that have noise (noise_classes.h). */
static double mean_part(const LossSum *sum, int part)
{
    if (part == 0) return sum->part[0] / sum->images;
    return sum->with_noise > 0 ? sum->part[1] / sum->with_noise : 0;
}

static double mean_loss(const MethodConfig *c, const LossSum *sum)
{
    return c->ce_weight * mean_part(sum, 0) + c->mse_weight * mean_part(sum, 1);
}

static int classes_of_steps(int T)
{
    return T + 2;
}

/* Forward, backward to the image, tangent, and three times as much for the second backward pass. */
static double update_passes(const MethodConfig *config, size_t dims)
{
    (void)config, (void)dims;
    return 6;
}

static bool check(const MethodCheck *c, Err *err)
{
    if (c->points)
        return err_set(err, ERR_USAGE,
                       "method.type is \"cdm\", which classifies images; the points of a data.toy "
                       "need another method");
    const char *key = c->model->class_conditional          ? "class_conditional"
                      : c->model->unet.scale_shift         ? "scale_shift"
                      : c->model->time != TIME_CHOICE_AUTO ? "time"
                                                           : NULL;
    if (key)
        return err_set(err, ERR_USAGE,
                       "model.%s is given, but the network of cdm has no embedding of a time or a "
                       "class: it finds out the noise level itself; leave it out",
                       key);
    if (c->method->ce_weight <= 0 && c->method->mse_weight <= 0)
        return err_set(err, ERR_USAGE,
                       "method.ce_weight and method.mse_weight are both 0, so nothing would be "
                       "learnt; set one of them");
    return steps_check(c, err);
}

const Method method_cdm = {.settings = {{.process = PROCESS_DDPM,
                                         .sampler = "ddpm",
                                         .reads = KEYS_STEPS | KEYS_TIMES | KEYS_CLASSES,
                                         .prediction = PREDICT_EPS,
                                         .time = TIME_CHOICE_POSITIONAL,
                                         .check = check}},
                           .trains_as = METHOD_CDM,
                           .classifies_noise = true,
                           .noise_classes = classes_of_steps,
                           .level = cdm_level,
                           .loss = cdm_loss,
                           .part_names = {"cross_entropy", "squared_error"},
                           .mean_part = mean_part,
                           .mean_loss = mean_loss,
                           .update_passes = update_passes,
                           .predict_passes = 2,
                           .predict = cdm_predict,
                           .density = cdm_density,
                           .classifier = cdm_classifier};
