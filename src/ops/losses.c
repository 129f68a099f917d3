#include <math.h>

#include "math/vec.h"
#include "ops/ops.h"

/* ---- xent, with p = softmax(x) and 1_target the unit vector:
 *   loss = log sum_c exp(x_c - max) + (max - x_target)
 *   dx  += dloss (p - 1_target) */

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

void xent_forward(const XentDims *d, float *loss, const float *x, const int *target)
{
#pragma omp parallel for schedule(static)
    for (int n = 0; n < d->N; n++) {
        const float *row = x + (size_t)n * (size_t)d->C;
        Softmax s = softmax_of(row, d->C);
        loss[n] = (float)(s.log_sum + (s.max - (double)row[target[n]]));
    }
}

void xent_backward(const XentDims *d, float *dx, float dloss, const float *x, const int *target)
{
#pragma omp parallel for schedule(static)
    for (int n = 0; n < d->N; n++) {
        const float *row = x + (size_t)n * (size_t)d->C;
        float *out = dx + (size_t)n * (size_t)d->C;
        Softmax s = softmax_of(row, d->C);
        for (int c = 0; c < d->C; c++) {
            double p = exp((double)row[c] - s.max - s.log_sum), hit = c == target[n];
            out[c] += (float)((double)dloss * (p - hit));
        }
    }
}

/* ---- mse, with r = x - target and g = 2 weight / size:
 *   loss = g/2 <r, r>    dx += dloss g r */

static double gain(const PointDims *d, const float *weight, int n)
{
    return 2.0 * (weight ? (double)weight[n] : 1.0) / (double)d->size;
}

/* <r, r> of one image */
static double sum_squared_residuals(const float *x, const float *target, size_t size)
{
    enum { PIECE = 1024 }; /* residuals held on the stack */
    double sum = 0;
    for (size_t first = 0; first < size; first += PIECE) {
        size_t part = size - first < PIECE ? size - first : PIECE;
        float r[PIECE];
        for (size_t i = 0; i < part; i++) r[i] = x[first + i] - target[first + i];
        sum += vec_sum_squares(r, part);
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
            (float)(gain(d, weight, n) / 2 * sum_squared_residuals(x + at, target + at, d->size));
    }
}

void mse_backward(const PointDims *d, float *dx, float dloss, const float *x, const float *target,
                  const float *weight)
{
#pragma omp parallel for schedule(static)
    for (int n = 0; n < d->N; n++) {
        size_t at = (size_t)n * d->size;
        float factor = (float)(gain(d, weight, n) * (double)dloss);
        for (size_t i = at; i < at + d->size; i++) dx[i] += factor * (x[i] - target[i]);
    }
}
