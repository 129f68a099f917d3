/* ReLU: y = max(x, 0), y' = 1 where x > 0 and else 0. */
#include "ops/op.h"
#include "ops/ops.h"
#include "ops/pieces.h"

static void relu_piece(float *y, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++) y[i] = x[i] < 0 ? 0 : x[i]; /* NaN stays NaN */
}

/* out = or += in where x > 0 */
static void relu_pass(float *out, const float *in, const float *x, size_t n, bool add)
{
    for (size_t i = 0; i < n; i++) out[i] = (add ? out[i] : 0) + (x[i] > 0 ? in[i] : 0);
}

/* y = max(x, 0); y may be x */
static void relu_forward(const OpCall *c)
{
    const PointDims *d = c->dims;
    FOR_PIECES(d, relu_piece(c->y + i, c->x[0] + i, n));
}

/* dx += y' dy; y'' = 0, so this is backward2 too */
static void relu_backward(const OpCall *c)
{
    const PointDims *d = c->dims;
    if (c->dx[0]) FOR_PIECES(d, relu_pass(c->dx[0] + i, c->dy + i, c->x[0] + i, n, true));
}

/* ydot = y' xdot */
static void relu_tangent(const OpCall *c)
{
    const PointDims *d = c->dims;
    FOR_PIECES(d, relu_pass(c->ydot + i, c->xdot[0] + i, c->x[0] + i, n, false));
}

const Op op_relu = {.name = "relu",
                    .dims_bytes = sizeof(PointDims),
                    .forward = relu_forward,
                    .backward = relu_backward,
                    .tangent = relu_tangent,
                    .backward2 = relu_backward,
                    .in_place = true,
                    .reads = OP_X0};
