/* SiLU (Elfwing et al. 2018; Hendrycks & Gimpel 2016): s = sigmoid(x),
 *   y = x s,  d1 = y' = s (1 + x (1-s)),  d2 = y'' = s (1-s) (2 + x (1-2s)). */
#include "math/vec.h"
#include "ops/op.h"
#include "ops/ops.h"

/* Elements of one unit of work; the bits of an element do not depend on the division into units. */
enum { UNIT = 8192 };

/* Runs the statement for each unit: elements i .. i+n-1. */
#define FOR_UNITS(d, statement)                                                                    \
    do {                                                                                           \
        size_t total = (size_t)(d)->N * (d)->size;                                                 \
        _Pragma("omp parallel for schedule(static)") for (size_t i = 0; i < total; i += UNIT)      \
        {                                                                                          \
            size_t n = total - i < UNIT ? total - i : UNIT;                                        \
            statement;                                                                             \
        }                                                                                          \
    } while (0)

/* y = x s */
void silu_forward(const PointDims *d, float *y, const float *x)
{
    FOR_UNITS(d, vec_silu(y + i, x + i, n));
}

/* dx += d1 dy */
void silu_backward(const PointDims *d, float *dx, const float *dy, const float *x)
{
    if (dx) FOR_UNITS(d, vec_silu_backward(dx + i, dy + i, x + i, n));
}

/* ydot = d1 xdot */
void silu_tangent(const PointDims *d, float *ydot, const float *x, const float *xdot)
{
    FOR_UNITS(d, vec_silu_tangent(ydot + i, x + i, xdot + i, n));
}

/* mx += d1 my + d2 xdot ly */
void silu_backward2(const PointDims *d, float *mx, const float *my, const float *ly, const float *x,
                    const float *xdot)
{
    if (mx) FOR_UNITS(d, vec_silu_backward2(mx + i, my + i, ly + i, x + i, xdot + i, n));
}

static void run_silu_forward(const OpCall *c)
{
    silu_forward(c->dims, c->y, c->x[0]);
}

static void run_silu_backward(const OpCall *c)
{
    silu_backward(c->dims, c->dx[0], c->dy, c->x[0]);
}

static void run_silu_tangent(const OpCall *c)
{
    silu_tangent(c->dims, c->ydot, c->x[0], c->xdot[0]);
}

static void run_silu_backward2(const OpCall *c)
{
    silu_backward2(c->dims, c->mx[0], c->my, c->dy, c->x[0], c->xdot[0]);
}

const Op op_silu = {.name = "silu",
                    .dims_bytes = sizeof(PointDims),
                    .forward = run_silu_forward,
                    .backward = run_silu_backward,
                    .tangent = run_silu_tangent,
                    .backward2 = run_silu_backward2,
                    .backward_values = OP_X0,
                    .tangent_values = OP_X0,
                    .second_values = OP_X0,
                    .second_tangents = OP_X0,
                    .second_lambda = true};
