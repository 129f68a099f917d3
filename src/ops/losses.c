#include <math.h>

#include "math/vec.h"
#include "ops/ops.h"

/* ---- xent, with p = softmax(x) and 1_target the unit vector:
 *   loss = log sum_c exp(x_c - max) + (max - x_target)
 *   dx  += dloss (p - 1_target)
 *   lossdot = <p, xdot> - xdot_target
 *   mx  += mloss (p - 1_target) + lloss p o (xdot - <p, xdot>) */

typedef struct {
    double max, log_sum; /* p_c = exp(x_c - max - log_sum) */
} Softmax;

static Softmax softmax_of(const float *x, int C)
{
    /* The maximum is exact in float; subtracting it first keeps differences of huge logits exact. */
    double max = (double)x[0], sum = 0;
    for (int c = 1; c < C; c++)
        if ((double)x[c] > max) max = (double)x[c];
    for (int c = 0; c < C; c++) sum += exp((double)x[c] - max);
    return (Softmax){max, log(sum)};
}

static double probability(const Softmax *s, float x)
{
    return exp((double)x - s->max - s->log_sum);
}

/* <p, u> */
static double softmax_mean(const Softmax *s, const float *x, const float *u, int C)
{
    double sum = 0;
    for (int c = 0; c < C; c++) sum += probability(s, x[c]) * (double)u[c];
    return sum;
}

void xent_forward(const XentDims *d, float *loss, const float *x, const int *target)
{
#pragma omp parallel for schedule(static)
    for (int n = 0; n < d->N; n++) {
        const float *row = x + (size_t)n * (size_t)d->C;
        Softmax s = softmax_of(row, d->C);
        loss[n] = (float)(s.log_sum + (s.max - (double)row[target[n]]));
    }
}

void xent_backward(const XentDims *d, float *dx, const float *dloss, const float *x,
                   const int *target)
{
    if (!dx) return;
#pragma omp parallel for schedule(static)
    for (int n = 0; n < d->N; n++) {
        const float *row = x + (size_t)n * (size_t)d->C;
        float *out = dx + (size_t)n * (size_t)d->C;
        Softmax s = softmax_of(row, d->C);
        for (int c = 0; c < d->C; c++) {
            double hit = c == target[n];
            out[c] += (float)((double)dloss[n] * (probability(&s, row[c]) - hit));
        }
    }
}

void xent_tangent(const XentDims *d, float *lossdot, const float *x, const float *xdot,
                  const int *target)
{
#pragma omp parallel for schedule(static)
    for (int n = 0; n < d->N; n++) {
        size_t at = (size_t)n * (size_t)d->C;
        Softmax s = softmax_of(x + at, d->C);
        lossdot[n] = (float)(softmax_mean(&s, x + at, xdot + at, d->C) -
                             (double)xdot[at + (size_t)target[n]]);
    }
}

void xent_backward2(const XentDims *d, float *mx, const float *mloss, const float *lloss,
                    const float *x, const float *xdot, const int *target)
{
    if (!mx) return;
#pragma omp parallel for schedule(static)
    for (int n = 0; n < d->N; n++) {
        size_t at = (size_t)n * (size_t)d->C;
        const float *row = x + at, *dot = xdot + at;
        Softmax s = softmax_of(row, d->C);
        double mean = softmax_mean(&s, row, dot, d->C);
        for (int c = 0; c < d->C; c++) {
            double p = probability(&s, row[c]), hit = c == target[n];
            mx[at + (size_t)c] += (float)((double)mloss[n] * (p - hit) +
                                          (double)lloss[n] * p * ((double)dot[c] - mean));
        }
    }
}

/* ---- mse, with r = x - target and g = 2 weight / size:
 *   loss = g/2 <r, r>    dx += dloss g r    lossdot = g <r, xdot>    mx += g (mloss r + lloss xdot) */

enum { PIECE = 1024 }; /* residuals made at once, on the stack */

static double gain(const PointDims *d, const float *weight, int n)
{
    return 2.0 * (weight ? (double)weight[n] : 1.0) / (double)d->size;
}

/* <r, u> over one image, u NULL: r itself. */
static double residual_dot(const float *x, const float *target, const float *u, size_t size)
{
    double sum = 0;
    for (size_t first = 0; first < size; first += PIECE) {
        size_t part = size - first < PIECE ? size - first : PIECE;
        float r[PIECE];
        for (size_t i = 0; i < part; i++) r[i] = x[first + i] - target[first + i];
        sum += u ? vec_dot(r, u + first, part) : vec_sum_squares(r, part);
    }
    return sum;
}

void mse_forward(const PointDims *d, float *loss, const float *x, const float *target,
                 const float *weight)
{
#pragma omp parallel for schedule(static)
    for (int n = 0; n < d->N; n++) {
        size_t at = (size_t)n * d->size;
        loss[n] =
            (float)(gain(d, weight, n) / 2 * residual_dot(x + at, target + at, NULL, d->size));
    }
}

void mse_backward(const PointDims *d, float *dx, const float *dloss, const float *x,
                  const float *target, const float *weight)
{
    if (!dx) return;
#pragma omp parallel for schedule(static)
    for (int n = 0; n < d->N; n++) {
        size_t at = (size_t)n * d->size;
        float factor = (float)(gain(d, weight, n) * (double)dloss[n]);
        for (size_t i = at; i < at + d->size; i++) dx[i] += factor * (x[i] - target[i]);
    }
}

void mse_tangent(const PointDims *d, float *lossdot, const float *x, const float *xdot,
                 const float *target, const float *weight)
{
#pragma omp parallel for schedule(static)
    for (int n = 0; n < d->N; n++) {
        size_t at = (size_t)n * d->size;
        lossdot[n] =
            (float)(gain(d, weight, n) * residual_dot(x + at, target + at, xdot + at, d->size));
    }
}

void mse_backward2(const PointDims *d, float *mx, const float *mloss, const float *lloss,
                   const float *x, const float *xdot, const float *target, const float *weight)
{
    if (!mx) return;
#pragma omp parallel for schedule(static)
    for (int n = 0; n < d->N; n++) {
        size_t at = (size_t)n * d->size;
        float m = (float)(gain(d, weight, n) * (double)mloss[n]);
        float l = (float)(gain(d, weight, n) * (double)lloss[n]);
        for (size_t i = at; i < at + d->size; i++) mx[i] += m * (x[i] - target[i]) + l * xdot[i];
    }
}
