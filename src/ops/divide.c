#include "ops/op.h"
#include "ops/ops.h"

/* y = x / t */
static void divide_forward(const OpCall *c)
{
    const PointDims *d = c->dims;
    const float *x = c->x[0], *t = c->x[1];
#pragma omp parallel for
    for (int n = 0; n < d->N; n++) {
        size_t at = (size_t)n * d->size;
        for (size_t i = at; i < at + d->size; i++) c->y[i] = x[i] / t[n];
    }
}

/* ydot = xdot / t - x tdot / t^2 */
static void divide_tangent(const OpCall *c)
{
    const PointDims *d = c->dims;
    const float *x = c->x[0], *t = c->x[1], *xdot = c->xdot[0], *tdot = c->xdot[1];
#pragma omp parallel for
    for (int n = 0; n < d->N; n++) {
        size_t at = (size_t)n * d->size;
        for (size_t i = at; i < at + d->size; i++) c->ydot[i] = xdot[i] / t[n];
        if (!tdot) continue;
        float slope = tdot[n] / (t[n] * t[n]);
        for (size_t i = at; i < at + d->size; i++) c->ydot[i] -= x[i] * slope;
    }
}

/* Of <dy, x/t> + <ly, xdot/t - x tdot/t^2>, in backward without ly:
 *   dx = dy / t - ly tdot / t^2
 *   dt = -sum(dy x + ly xdot) / t^2 + 2 tdot sum(ly x) / t^3 */
static void divide_backward(const OpCall *c)
{
    const PointDims *d = c->dims;
    const float *x = c->x[0], *t = c->x[1], *xdot = c->xdot[0], *tdot = c->xdot[1];
    const float *dy = c->dy, *ly = c->ly;
    float *dx = c->dx[0], *dt = c->dx[1];
#pragma omp parallel for
    for (int n = 0; n < d->N; n++) {
        size_t at = (size_t)n * d->size;
        double T = (double)t[n], Tdot = tdot ? (double)tdot[n] : 0.0;
        float slope = (float)(Tdot / (T * T));
        double first = 0, second = 0;
        for (size_t i = at; i < at + d->size; i++) {
            if (dx) dx[i] += ly ? dy[i] / t[n] - ly[i] * slope : dy[i] / t[n];
            if (!dt) continue;
            double term = (double)dy[i] * (double)x[i];
            if (ly) term += (double)ly[i] * (double)xdot[i];
            if (ly) second += (double)ly[i] * (double)x[i];
            first += term;
        }
        if (dt) dt[n] += (float)(-first / (T * T) + 2 * Tdot * second / (T * T * T));
    }
}

const Op op_divide = {.name = "divide",
                      .dims_bytes = sizeof(PointDims),
                      .forward = divide_forward,
                      .backward = divide_backward,
                      .tangent = divide_tangent,
                      .backward2 = divide_backward,
                      .reads = OP_X0 | OP_X1,
                      .tangent_may_be_null = OP_X1};
