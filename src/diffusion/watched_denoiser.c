#include "diffusion/watched_denoiser.h"

static bool show(const WatchedDenoiser *w, int count, const double *x, const NoiseLevel *levels,
                 int stride, const double *eps)
{
    const SeenCall call = {.count = count,
                           .dims = w->inner.dims,
                           .images = w->images,
                           .levels = levels,
                           .stride = stride,
                           .x = x,
                           .eps = eps};
    w->seen(w->context, &call);
    return true;
}

static bool predict(void *context, int count, const double *x, const NoiseLevel *levels, int stride,
                    double *eps, Err *err)
{
    const WatchedDenoiser *w = context;
    const Denoiser *d = &w->inner;
    return d->predict(d->context, count, x, levels, stride, eps, err) &&
           show(w, count, x, levels, stride, eps);
}

static bool predict_variance(void *context, int count, const double *x, const NoiseLevel *levels,
                             int stride, double *eps, double *v, Err *err)
{
    const WatchedDenoiser *w = context;
    const Denoiser *d = &w->inner;
    return d->predict_variance(d->context, count, x, levels, stride, eps, v, err) &&
           show(w, count, x, levels, stride, eps);
}

static bool predict_vjp(void *context, int count, const double *x, const NoiseLevel *levels,
                        int stride, const double *v, double *eps, double *jtv, Err *err)
{
    const WatchedDenoiser *w = context;
    const Denoiser *d = &w->inner;
    return d->predict_vjp(d->context, count, x, levels, stride, v, eps, jtv, err) &&
           show(w, count, x, levels, stride, eps);
}

static void choose_images(void *context, const int *images)
{
    WatchedDenoiser *w = context;
    w->images = images;
    denoiser_choose(&w->inner, images);
}

Denoiser watched_denoiser(WatchedDenoiser *w)
{
    return (Denoiser){.context = w,
                      .dims = w->inner.dims,
                      .predict = predict,
                      .predict_variance = w->inner.predict_variance ? predict_variance : NULL,
                      .predict_vjp = w->inner.predict_vjp ? predict_vjp : NULL,
                      .choose_images = choose_images};
}
