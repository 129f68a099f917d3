#include "methods/network.h"

#include <math.h>
#include <string.h>

#include "base/first_failure.h"
#include "base/parallel.h"
#include "methods/method.h"

Network network_copy(const Network *nw, int i)
{
    Network copy = *nw;
    if (i > 0) copy.net = nw->others[i - 1];
    return copy;
}

void network_forward(Network *nw, const float *weights, const float *xt, const float *t,
                     const float *label)
{
    size_t batch = (size_t)nw->batch;
    memcpy(net_value(nw->net, nw->x), xt, batch * nw->dims * sizeof *xt);
    memcpy(net_value(nw->net, nw->t), t, batch * sizeof *t);
    if (nw->label >= 0) memcpy(net_value(nw->net, nw->label), label, batch * sizeof *label);
    net_forward(nw->net, weights);
}

typedef struct {
    const NetworkDenoiser *denoiser;
    int count;
    NetworkWork work;
    const NetworkCall *call;
    FirstFailure failure;
} Parts;

static void run_part(void *context, int item, int copy)
{
    Parts *p = context;
    int batch = p->denoiser->network->batch, first = item * batch;
    Network network = network_copy(p->denoiser->network, copy);
    NetworkPart part = {.network = &network,
                        .denoiser = p->denoiser,
                        .first = first,
                        .count = p->count - first < batch ? p->count - first : batch};
    Err err = {0};
    if (!p->work(&part, p->call, &err)) first_failure_add(&p->failure, item, &err);
}

bool network_in_parts(const NetworkDenoiser *d, int count, NetworkWork work,
                      const NetworkCall *call, Err *err)
{
    Network *nw = d->network;
    Parts p = {.denoiser = d, .count = count, .work = work, .call = call};
    int copies = net_holds(nw->net, d->weights) ? nw->copies : 1;
    parallel_side_by_side((count + nw->batch - 1) / nw->batch, copies, &nw->inside, run_part, &p);
    return first_failure_none(&p.failure, err);
}

int network_image(const NetworkDenoiser *d, int row)
{
    return d->images ? d->images[row] : row;
}

/* Number `place` of the trained classes, from 0 on again behind the last. */
static int trained_class(const Network *nw, int place)
{
    int trained = 0, k = 0;
    for (int i = 0; i < nw->classes; i++) trained += i >= nw->untrained_count || !nw->untrained[i];
    for (place %= trained;; k++)
        if ((k >= nw->untrained_count || !nw->untrained[k]) && place-- == 0) return k;
}

static int class_of(const NetworkDenoiser *d, int row)
{
    int image = network_image(d, row);
    if (d->dropped && d->dropped[row]) return d->network->classes;
    if (d->labels) return d->labels[image];
    return d->label >= 0 ? d->label : trained_class(d->network, d->first_image + image);
}

/* The inputs of the part. Places beyond keep old values; their results are not read. */
static void set_inputs(const NetworkPart *p, const NetworkCall *c)
{
    const Network *nw = p->network;
    const double *x = c->x + (size_t)p->first * nw->dims;
    float *input = net_value(nw->net, nw->x), *t = net_value(nw->net, nw->t);
    for (int n = 0; n < nw->batch; n++) {
        int row = p->first + (n < p->count ? n : 0);
        NoiseLevel level = c->levels[row * c->stride];
        double scale = input_scale(nw->noise->prediction, level);
        size_t from = (size_t)n * nw->dims, to = n < p->count ? from + nw->dims : from;
        for (size_t i = from; i < to; i++) input[i] = (float)(scale * x[i]);
        t[n] = network_label(nw, level);
        if (nw->label >= 0) net_value(nw->net, nw->label)[n] = (float)class_of(p->denoiser, row);
    }
}

static bool all_finite(const double *x, size_t n)
{
    bool finite = true;
    for (size_t i = 0; i < n; i++) finite &= isfinite(x[i]) != 0;
    return finite;
}

static bool read_eps(const NetworkPart *p, const NetworkCall *c, Err *err)
{
    const Network *nw = p->network;
    const float *y = net_value(nw->net, nw->y);
    size_t outputs = (size_t)nw->outputs, channels = (size_t)nw->image.C;
    size_t together = outputs == channels ? nw->dims : channels; /* that stand side by side in y */
    for (int n = 0; n < p->count; n++) {
        int row = p->first + n;
        NoiseLevel level = c->levels[row * c->stride];
        size_t at = (size_t)row * nw->dims, from = (size_t)n * nw->dims;
        for (size_t i = 0; i < nw->dims; i += together)
            eps_from_predictions(nw->noise->prediction, level, together, c->x + at + i,
                                 y + network_place(nw, from + i), c->eps + at + i);
        if (!all_finite(c->eps + at, nw->dims))
            return err_set(err, ERR_DIVERGED,
                           "the network's output is not finite at time step %g (image %d)", level.t,
                           network_image(p->denoiser, row));
    }
    return true;
}

/* As eps is linear in x and in what the network gives, value by value, its vector-Jacobian product has
 * the same coefficients: eps_from_prediction(v, J^T v), where J is by x, of which the network sees a multiple. */
static void pull(const NetworkPart *p, const NetworkCall *c)
{
    const Network *nw = p->network;
    size_t at = (size_t)p->first * nw->dims, n = (size_t)p->count * nw->dims;
    size_t pixels = (size_t)nw->batch * nw->dims / (size_t)nw->image.C;
    if (c->fill) c->fill(c->made_by, p->first, p->count);
    float *dy = net_gradient(nw->net, nw->y);
    memset(dy, 0, pixels * (size_t)nw->outputs * sizeof *dy);
    for (size_t i = 0; i < n; i++) dy[network_place(nw, i)] = (float)c->v[at + i];
    net_backward(nw->net, p->denoiser->weights, NULL);
    const float *dx = net_gradient(nw->net, nw->x);
    for (size_t i = 0; i < n; i++) {
        NoiseLevel level = c->levels[(p->first + (int)(i / nw->dims)) * c->stride];
        double seen = input_scale(nw->noise->prediction, level) * (double)dx[i];
        c->jtv[at + i] = eps_from_prediction(nw->noise->prediction, level, c->v[at + i], seen);
    }
}

static void read_variance(const NetworkPart *p, const NetworkCall *c)
{
    const Network *nw = p->network;
    size_t at = (size_t)p->first * nw->dims;
    const float *variance = net_value(nw->net, nw->y) + nw->image.C;
    for (size_t i = 0; i < (size_t)p->count * nw->dims; i++)
        c->variance[at + i] = (double)variance[network_place(nw, i)];
}

bool timed_predict(const NetworkPart *p, const NetworkCall *c, Err *err)
{
    set_inputs(p, c);
    net_forward(p->network->net, p->denoiser->weights);
    if (!read_eps(p, c, err)) return false;
    if (c->variance) read_variance(p, c);
    if (c->v) pull(p, c);
    return true;
}

/* ---- the denoiser ---- */

static bool call_method(NetworkDenoiser *d, int count, const NetworkCall *call, Err *err)
{
    return network_in_parts(d, count, d->network->method->predict, call, err);
}

static bool predict(void *context, int count, const double *x, const NoiseLevel *levels, int stride,
                    double *eps, Err *err)
{
    const NetworkCall call = {.x = x, .levels = levels, .stride = stride, .eps = eps};
    return call_method(context, count, &call, err);
}

static bool predict_variance(void *context, int count, const double *x, const NoiseLevel *levels,
                             int stride, double *eps, double *v, Err *err)
{
    const NetworkCall call = {
        .x = x, .levels = levels, .stride = stride, .eps = eps, .variance = v};
    return call_method(context, count, &call, err);
}

static bool predict_pull(void *context, int count, const double *x, const NoiseLevel *levels,
                         int stride, CotangentFill *fill, void *made_by, const double *v,
                         double *eps, double *jtv, Err *err)
{
    const NetworkCall call = {.x = x,
                              .levels = levels,
                              .stride = stride,
                              .eps = eps,
                              .fill = fill,
                              .made_by = made_by,
                              .v = v,
                              .jtv = jtv};
    return call_method(context, count, &call, err);
}

static bool predict_vjp(void *context, int count, const double *x, const NoiseLevel *levels,
                        int stride, const double *v, double *eps, double *jtv, Err *err)
{
    return predict_pull(context, count, x, levels, stride, NULL, NULL, v, eps, jtv, err);
}

static void choose_images(void *context, const int *images)
{
    NetworkDenoiser *d = context;
    d->images = images;
}

static void drop_labels(void *context, const bool *dropped)
{
    NetworkDenoiser *d = context;
    d->dropped = dropped;
}

Denoiser network_denoiser(NetworkDenoiser *context)
{
    const Network *nw = context->network;
    bool varied = !nw->method->classifies_noise && nw->outputs > nw->image.C;
    return (Denoiser){.context = context,
                      .dims = nw->dims,
                      .predict = predict,
                      .predict_variance = varied ? predict_variance : NULL,
                      .predict_vjp = nw->input_gradient ? predict_vjp : NULL,
                      .predict_pull = nw->input_gradient ? predict_pull : NULL,
                      .choose_images = choose_images,
                      .drop_labels = nw->null_class ? drop_labels : NULL};
}
