#include "diffusion/restore.h"

#include <math.h>

#include "base/mem.h"

const char *const restore_words[] = {
    [RESTORE_GRADIENT] = "gradient", [RESTORE_REPLACE] = "replace", NULL};

/* ---- the gradient ---- */

/* r^2: the variance of x0 at a level, for data of variance d^2. */
static double variance_left(const Restore *r, NoiseLevel level)
{
    double data = r->spread * r->spread, noise = level.sigma * level.sigma;
    return data * noise / (level.alpha * level.alpha * data + noise);
}

/* Of a call of the guided denoiser. */
typedef struct {
    const Restore *restore;
    const double *x, *eps;
    const NoiseLevel *levels;
    int stride;
} Pull;

/* u = A^T (r^2 A A^T + s^2)^-1 (y - A x0_hat) of some rows. */
static void pull(void *made_by, int first, int rows)
{
    const Pull *p = made_by;
    const Restore *r = p->restore;
    for (int row = first; row < first + rows; row++) {
        NoiseLevel level = p->levels[row * p->stride];
        size_t at = (size_t)row * r->dims;
        double *u = r->u + at, *rest = r->rest + (size_t)row * r->known;
        double left = variance_left(r, level), noise = r->noise * r->noise;
        for (size_t i = 0; i < r->dims; i++)
            u[i] = x0_from_eps(level, p->x[at + i], p->eps[at + i]);
        operator_apply(&r->a, u, rest);
        for (size_t i = 0; i < r->known; i++)
            rest[i] = (r->y[i] - rest[i]) / (left * operator_gram(&r->a, i) + noise);
        operator_transpose(&r->a, rest, u);
    }
}

/* The noise of an image within +-range. */
static double noise_within(double range, NoiseLevel level, double x, double eps)
{
    double x0 = x0_from_eps(level, x, eps), kept = fmin(fmax(x0, -range), range);
    return kept == x0 ? eps : eps_from_prediction(PREDICT_X0, level, x, kept);
}

/* eps -= sigma J^T u, J = (I - sigma d eps / d x) / alpha. */
static void guide(const Pull *p, int count, double *eps)
{
    const Restore *r = p->restore;
#pragma omp parallel for schedule(static) if (count > 1)
    for (int row = 0; row < count; row++) {
        NoiseLevel level = p->levels[row * p->stride];
        double noise = level.sigma / level.alpha;
        size_t at = (size_t)row * r->dims;
        for (size_t i = at; i < at + r->dims; i++) {
            eps[i] -= noise * (r->u[i] - level.sigma * r->jtu[i]);
            if (r->range > 0) eps[i] = noise_within(r->range, level, p->x[i], eps[i]);
        }
    }
}

static bool guided_predict(void *context, int count, const double *x, const NoiseLevel *levels,
                           int stride, double *eps, Err *err)
{
    const Restore *r = context;
    const Denoiser *d = r->denoiser;
    Pull p = {r, x, eps, levels, stride};
    if (d->predict_pull) {
        if (!d->predict_pull(d->context, count, x, levels, stride, pull, &p, r->u, eps, r->jtu,
                             err))
            return false;
    } else {
        if (!d->predict(d->context, count, x, levels, stride, eps, err)) return false;
        pull(&p, 0, count);
        if (!d->predict_vjp(d->context, count, x, levels, stride, r->u, eps, r->jtu, err))
            return false;
    }
    guide(&p, count, eps);
    return true;
}

/* The variance is the unguided one, by a prediction of its own. */
static bool guided_variance(void *context, int count, const double *x, const NoiseLevel *levels,
                            int stride, double *eps, double *v, Err *err)
{
    const Restore *r = context;
    const Denoiser *d = r->denoiser;
    return d->predict_variance(d->context, count, x, levels, stride, eps, v, err) &&
           guided_predict(context, count, x, levels, stride, eps, err);
}

static void guided_images(void *context, const int *images)
{
    Restore *r = context;
    denoiser_choose(r->denoiser, images);
}

static Denoiser guided_denoiser(Restore *r)
{
    const Denoiser *d = r->denoiser;
    return (Denoiser){.context = r,
                      .dims = d->dims,
                      .predict = guided_predict,
                      .predict_variance = d->predict_variance ? guided_variance : NULL,
                      .choose_images = guided_images};
}

/* ---- replacing ---- */

void restore_replace(const Restore *r, int count, NoiseLevel level, double *z, double *x)
{
    double noise = level.sigma * level.sigma,
           known = level.alpha * level.alpha * r->noise * r->noise;
#pragma omp parallel for schedule(static) if (count > 1)
    for (int image = 0; image < count; image++) {
        double *own = x + (size_t)image * r->dims, *normal = z + (size_t)image * r->dims;
        double *now = r->rest + (size_t)image * r->known, *u = r->u + (size_t)image * r->known;
        operator_apply(&r->a, own, now);
        operator_apply(&r->a, normal, u);
        for (size_t i = 0; i < r->known; i++) {
            double left = noise - known / operator_gram(&r->a, i);
            now[i] = left > 0 ? level.alpha * r->y[i] + sqrt(left) * u[i] - now[i] : 0;
        }
        operator_pseudo_inverse(&r->a, now, normal);
        for (size_t i = 0; i < r->dims; i++) own[i] += normal[i];
    }
}

/* ---- a run ---- */

void restore_keep_known(Restore *r, int count, double *x)
{
    for (int image = 0; image < count; image++) {
        double *own = x + (size_t)image * r->dims, *rest = r->rest, *back = r->u, squares = 0;
        operator_apply(&r->a, own, rest);
        for (size_t i = 0; i < r->known; i++) {
            rest[i] = r->y[i] - rest[i];
            squares += rest[i] * rest[i];
        }
        if (r->missed) r->missed[image] = squares;
        if (r->noise > 0) continue;
        operator_pseudo_inverse(&r->a, rest, back);
        for (size_t i = 0; i < r->dims; i++) own[i] += back[i];
    }
}

bool restore_begin(Restore *r, const char *name, bool solves, const Denoiser *denoiser, int count,
                   Denoiser *guided, Err *err)
{
    bool replaces = r->way == RESTORE_REPLACE;
    r->dims = operator_dims(&r->a);
    r->known = operator_known(&r->a);
    CHECK(r->dims == denoiser->dims && r->spread > 0 && r->noise >= 0);
    if (replaces && solves)
        return err_set(
            err, ERR_USAGE,
            "sampler %s: solves an equation from one end to the other, so nothing can be replaced "
            "on the way; restore by gradient, or with another sampler",
            name);
    if (!replaces && !denoiser->predict_vjp)
        return err_set(
            err, ERR_USAGE,
            "restoring by gradient needs a denoiser that can be differentiated by its input");
    size_t values = (size_t)count * r->dims;
    r->u = mem_doubles(values);
    r->jtu = mem_doubles(replaces ? 0 : values);
    r->rest = mem_doubles((size_t)count * r->known);
    r->denoiser = denoiser;
    *guided = replaces ? *denoiser : guided_denoiser(r);
    return (r->u && r->jtu && r->rest) ||
           err_set(err, ERR_MEMORY, "not enough memory for restoring %d images", count);
}

void restore_end(Restore *r)
{
    mem_free(r->u);
    mem_free(r->jtu);
    mem_free(r->rest);
    r->u = r->jtu = r->rest = NULL;
}
