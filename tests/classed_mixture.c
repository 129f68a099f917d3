#include "classed_mixture.h"

const double class_weights[CLASSES] = {0.5, 0.3, 0.2};
const double class_means[CLASSES * DIMS] = {-0.6, -0.5, 0.6, 0.5, 0.1, -0.8};
const double class_stds[CLASSES] = {0.3, 0.15, 0.5};

static const MixtureData mixture = {.dims = DIMS,
                                    .modes = CLASSES,
                                    .weights = class_weights,
                                    .means = class_means,
                                    .stds = class_stds};

static const Denoiser *of_row(const Classed *c, int row)
{
    int image = c->images ? c->images[row] : row;
    return c->dropped && c->dropped[row] ? &c->without : &c->with[(c->first + image) % c->classes];
}

bool classed_predict(void *context, int count, const double *x, const NoiseLevel *levels,
                     int stride, double *eps, Err *err)
{
    Classed *c = context;
    c->calls++;
    c->rows = count;
    for (int i = 0; i < count; i++) {
        const Denoiser *d = of_row(c, i);
        size_t at = (size_t)i * d->dims;
        if (!d->predict(d->context, 1, x + at, levels + i * stride, 0, eps + at, err)) return false;
    }
    return true;
}

static bool classed_vjp(void *context, int count, const double *x, const NoiseLevel *levels,
                        int stride, const double *v, double *eps, double *jtv, Err *err)
{
    for (int i = 0; i < count; i++) {
        const Denoiser *d = of_row(context, i);
        size_t at = (size_t)i * d->dims;
        if (!d->predict_vjp(d->context, 1, x + at, levels + i * stride, 0, v + at, eps + at,
                            jtv + at, err))
            return false;
    }
    return true;
}

static void choose_images(void *context, const int *images)
{
    ((Classed *)context)->images = images;
}

static void drop_labels(void *context, const bool *dropped)
{
    ((Classed *)context)->dropped = dropped;
}

Denoiser classed_denoiser(Classed *c)
{
    return (Denoiser){.context = c,
                      .dims = c->without.dims,
                      .predict = classed_predict,
                      .predict_vjp = classed_vjp,
                      .choose_images = choose_images,
                      .drop_labels = drop_labels};
}

Classed classed_mixture(void)
{
    static const double one = 1;
    static MixtureData modes[CLASSES];
    Classed c = {.without = mixture_denoiser(&mixture), .classes = CLASSES};
    for (int k = 0; k < CLASSES; k++) {
        modes[k] = (MixtureData){.dims = DIMS,
                                 .modes = 1,
                                 .weights = &one,
                                 .means = class_means + k * DIMS,
                                 .stds = class_stds + k};
        c.with[k] = mixture_denoiser(&modes[k]);
    }
    return c;
}

void open_guidance(Guidance *g, Classed *c, double weight, double low, double high, int most)
{
    SampleConfig settings = {.guidance = weight, .guidance_low = low, .guidance_high = high};
    Denoiser inner = classed_denoiser(c);
    Err err = {0};
    must(guidance_open(g, &inner, &settings, most, &err), &err);
}
