#include "diffusion/guidance.h"

#include <string.h>

#include "base/mem.h"

bool guidance_check(const SampleConfig *c, Err *err)
{
    bool interval = c->guidance_low > 0 || c->guidance_high > 0;
    if (interval && !guidance_is_on(c))
        return err_set(err, ERR_USAGE,
                       "noise levels for guidance are given, but guidance is 1, which is off; set "
                       "guidance, such as 2");
    return c->guidance_high <= 0 || c->guidance_low < c->guidance_high ||
           err_set(err, ERR_USAGE,
                   "guidance acts above noise %g (guidance_low) and up to %g (guidance_high), "
                   "which leaves no level; the first must be below the second",
                   c->guidance_low, c->guidance_high);
}

bool guidance_open(Guidance *g, const Denoiser *inner, const SampleConfig *c, int most, Err *err)
{
    size_t rows = 2 * (size_t)most, values = rows * inner->dims;
    size_t varied = inner->predict_variance ? values : 0, pulled = inner->predict_vjp ? values : 0;
    CHECK(inner->drop_labels);
    *g = (Guidance){.inner = *inner,
                    .weight = c->guidance,
                    .low = c->guidance_low,
                    .high = c->guidance_high,
                    .most = most};
    g->x = mem_doubles(values);
    g->eps = mem_doubles(values);
    g->v = mem_doubles(varied);
    g->cotangent = mem_doubles(pulled);
    g->jtv = mem_doubles(pulled);
    g->levels = mem_alloc(rows, sizeof *g->levels);
    g->rows = mem_alloc(rows, sizeof *g->rows);
    g->of = mem_alloc((size_t)most, sizeof *g->of);
    g->dropped = mem_alloc(rows, sizeof *g->dropped);
    if (g->x && g->eps && g->v && g->cotangent && g->jtv && g->levels && g->rows && g->of &&
        g->dropped)
        return true;
    guidance_close(g);
    return err_set(err, ERR_MEMORY, "not enough memory to guide %d images", most);
}

void guidance_close(Guidance *g)
{
    mem_free(g->x);
    mem_free(g->eps);
    mem_free(g->v);
    mem_free(g->cotangent);
    mem_free(g->jtv);
    mem_free(g->levels);
    mem_free(g->rows);
    mem_free(g->of);
    mem_free(g->dropped);
    memset(g, 0, sizeof *g);
}

static bool acts_at(const Guidance *g, NoiseLevel level)
{
    double noise = level.sigma / level.alpha;
    return noise > g->low && (g->high <= 0 || noise <= g->high);
}

static void set_row(Guidance *g, int row, int image, const double *x, NoiseLevel level, bool drop)
{
    size_t dims = g->inner.dims;
    memcpy(g->x + (size_t)row * dims, x + (size_t)image * dims, dims * sizeof *x);
    g->levels[row] = level;
    g->rows[row] = g->images ? g->images[image] : image;
    g->dropped[row] = drop;
}

/* Lays out the rows of a call; returns how many images need a second one. */
static int lay_rows(Guidance *g, int count, const double *x, const NoiseLevel *levels, int stride)
{
    int second = 0;
    CHECK(count <= g->most);
    for (int i = 0; i < count; i++) {
        bool acts = acts_at(g, levels[i * stride]);
        set_row(g, i, i, x, levels[i * stride], acts && g->weight == 0);
        if (acts && g->weight != 0) g->of[second++] = i;
    }
    for (int k = 0; k < second; k++)
        set_row(g, count + k, g->of[k], x, levels[g->of[k] * stride], true);
    return second;
}

/* What is asked besides the noise; NULL: not. */
typedef struct {
    double *v;               /* the variance */
    const double *cotangent; /* the product with the Jacobian, */
    double *jtv;             /* to here */
} Wanted;

static bool ask(Guidance *g, int rows, const Wanted *w, Err *err)
{
    const Denoiser *d = &g->inner;
    denoiser_choose(d, g->rows);
    d->drop_labels(d->context, g->dropped);
    bool ok = w->v ? d->predict_variance(d->context, rows, g->x, g->levels, 1, g->eps, g->v, err)
              : w->jtv ? d->predict_vjp(d->context, rows, g->x, g->levels, 1, g->cotangent, g->eps,
                                        g->jtv, err)
                       : d->predict(d->context, rows, g->x, g->levels, 1, g->eps, err);
    denoiser_choose(d, g->images);
    d->drop_labels(d->context, NULL);
    return ok;
}

/* The rows with a class, and mixed into them those without. */
static void mix(const Guidance *g, int count, int second, const double *rows, double *out)
{
    size_t dims = g->inner.dims;
    memcpy(out, rows, (size_t)count * dims * sizeof *out);
    for (int k = 0; k < second; k++) {
        const double *without = rows + (size_t)(count + k) * dims;
        double *with = out + (size_t)g->of[k] * dims;
        for (size_t i = 0; i < dims; i++) with[i] = without[i] + g->weight * (with[i] - without[i]);
    }
}

static bool guide(Guidance *g, int count, const double *x, const NoiseLevel *levels, int stride,
                  double *eps, const Wanted *w, Err *err)
{
    size_t dims = g->inner.dims, bytes = (size_t)count * dims * sizeof *eps;
    int second = lay_rows(g, count, x, levels, stride);
    if (w->cotangent) {
        memcpy(g->cotangent, w->cotangent, bytes);
        for (int k = 0; k < second; k++)
            memcpy(g->cotangent + (size_t)(count + k) * dims,
                   w->cotangent + (size_t)g->of[k] * dims, dims * sizeof *eps);
    }
    if (!ask(g, count + second, w, err)) return false;
    mix(g, count, second, g->eps, eps);
    if (w->v) memcpy(w->v, g->v, bytes);
    if (w->jtv) mix(g, count, second, g->jtv, w->jtv);
    return true;
}

static bool predict(void *context, int count, const double *x, const NoiseLevel *levels, int stride,
                    double *eps, Err *err)
{
    return guide(context, count, x, levels, stride, eps, &(Wanted){.v = NULL}, err);
}

static bool predict_variance(void *context, int count, const double *x, const NoiseLevel *levels,
                             int stride, double *eps, double *v, Err *err)
{
    return guide(context, count, x, levels, stride, eps, &(Wanted){.v = v}, err);
}

static bool predict_vjp(void *context, int count, const double *x, const NoiseLevel *levels,
                        int stride, const double *v, double *eps, double *jtv, Err *err)
{
    return guide(context, count, x, levels, stride, eps, &(Wanted){.cotangent = v, .jtv = jtv},
                 err);
}

static void choose_images(void *context, const int *images)
{
    Guidance *g = context;
    g->images = images;
    denoiser_choose(&g->inner, images);
}

Denoiser guidance_denoiser(Guidance *g)
{
    return (Denoiser){.context = g,
                      .dims = g->inner.dims,
                      .predict = predict,
                      .predict_variance = g->inner.predict_variance ? predict_variance : NULL,
                      .predict_vjp = g->inner.predict_vjp ? predict_vjp : NULL,
                      .choose_images = choose_images};
}
