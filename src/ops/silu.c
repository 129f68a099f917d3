/* SiLU (Elfwing et al. 2018; Hendrycks & Gimpel 2016): s = sigmoid(x),
 *   y = x s,  d1 = y' = s (1 + x (1-s)),  d2 = y'' = s (1-s) (2 + x (1-2s)). */
#include "math/vec.h"
#include "ops/op.h"
#include "ops/ops.h"
#include "ops/pieces.h"

/* y = x s */
static void silu_forward(const OpCall *c)
{
    const PointDims *d = c->dims;
    FOR_PIECES(d, vec->silu(c->y + i, c->x[0] + i, n));
}

/* dx += d1 dy */
static void silu_backward(const OpCall *c)
{
    const PointDims *d = c->dims;
    if (c->dx[0]) FOR_PIECES(d, vec->silu_backward(c->dx[0] + i, c->dy + i, c->x[0] + i, n));
}

/* ydot = d1 xdot */
static void silu_tangent(const OpCall *c)
{
    const PointDims *d = c->dims;
    FOR_PIECES(d, vec->silu_tangent(c->ydot + i, c->x[0] + i, c->xdot[0] + i, n));
}

/* dx += d1 dy + d2 xdot ly */
static void silu_backward2(const OpCall *c)
{
    const PointDims *d = c->dims;
    if (!c->dx[0]) return;
    FOR_PIECES(
        d, vec->silu_backward2(c->dx[0] + i, c->dy + i, c->ly + i, c->x[0] + i, c->xdot[0] + i, n));
}

const Op op_silu = {.name = "silu",
                    .dims_bytes = sizeof(PointDims),
                    .forward = silu_forward,
                    .backward = silu_backward,
                    .tangent = silu_tangent,
                    .backward2 = silu_backward2,
                    .reads = OP_X0};
