#include "ops/op.h"
#include "ops/ops.h"

/* divide: y = x / t */
void divide_forward(const PointDims *d, float *y, const float *x, const float *t)
{
#pragma omp parallel for
    for (int n = 0; n < d->N; n++) {
        size_t at = (size_t)n * d->size;
        for (size_t i = at; i < at + d->size; i++) y[i] = x[i] / t[n];
    }
}

/* dx = dy / t,   dt = -sum(dy x) / t^2 */
void divide_backward(const PointDims *d, float *dx, float *dt, const float *dy, const float *x,
                     const float *t)
{
#pragma omp parallel for
    for (int n = 0; n < d->N; n++) {
        size_t at = (size_t)n * d->size;
        double T = (double)t[n], sum = 0;
        for (size_t i = at; i < at + d->size; i++) {
            if (dx) dx[i] += dy[i] / t[n];
            if (dt) sum += (double)dy[i] * (double)x[i];
        }
        if (dt) dt[n] += (float)(-sum / (T * T));
    }
}

/* ydot = xdot / t - x tdot / t^2 */
void divide_tangent(const PointDims *d, float *ydot, const float *x, const float *xdot,
                    const float *t, const float *tdot)
{
#pragma omp parallel for
    for (int n = 0; n < d->N; n++) {
        size_t at = (size_t)n * d->size;
        for (size_t i = at; i < at + d->size; i++) ydot[i] = xdot[i] / t[n];
        if (!tdot) continue;
        float slope = tdot[n] / (t[n] * t[n]);
        for (size_t i = at; i < at + d->size; i++) ydot[i] -= x[i] * slope;
    }
}

/* Of <my, x/t> + <ly, xdot/t - x tdot/t^2>:
 *   mx = my / t - ly tdot / t^2
 *   mt = -sum(my x + ly xdot) / t^2 + 2 tdot sum(ly x) / t^3 */
void divide_backward2(const PointDims *d, float *mx, float *mt, const float *my, const float *ly,
                      const float *x, const float *xdot, const float *t, const float *tdot)
{
#pragma omp parallel for
    for (int n = 0; n < d->N; n++) {
        size_t at = (size_t)n * d->size;
        double T = (double)t[n], Tdot = tdot ? (double)tdot[n] : 0.0;
        float slope = (float)(Tdot / (T * T));
        double first = 0, second = 0;
        for (size_t i = at; i < at + d->size; i++) {
            if (mx) mx[i] += my[i] / t[n] - ly[i] * slope;
            if (!mt) continue;
            first += (double)my[i] * (double)x[i] + (double)ly[i] * (double)xdot[i];
            second += (double)ly[i] * (double)x[i];
        }
        if (mt) mt[n] += (float)(-first / (T * T) + 2 * Tdot * second / (T * T * T));
    }
}

static void run_divide_forward(const OpCall *c)
{
    divide_forward(c->dims, c->y, c->x[0], c->x[1]);
}

static void run_divide_backward(const OpCall *c)
{
    divide_backward(c->dims, c->dx[0], c->dx[1], c->dy, c->x[0], c->x[1]);
}

static void run_divide_tangent(const OpCall *c)
{
    divide_tangent(c->dims, c->ydot, c->x[0], c->xdot[0], c->x[1], c->xdot[1]);
}

static void run_divide_backward2(const OpCall *c)
{
    divide_backward2(c->dims, c->mx[0], c->mx[1], c->my, c->dy, c->x[0], c->xdot[0], c->x[1],
                     c->xdot[1]);
}

const Op op_divide = {.name = "divide",
                      .dims_bytes = sizeof(PointDims),
                      .forward = run_divide_forward,
                      .backward = run_divide_backward,
                      .tangent = run_divide_tangent,
                      .backward2 = run_divide_backward2,
                      .backward_values = OP_X0 | OP_X1,
                      .tangent_values = OP_X0 | OP_X1,
                      .second_values = OP_X0 | OP_X1,
                      .tangent_may_be_null = OP_X1,
                      .second_tangents = OP_X0 | OP_X1,
                      .second_lambda = true};
