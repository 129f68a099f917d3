#include <string.h>

#include "math/vec.h"
#include "ops/dropout_table.h"
#include "ops/op.h"
#include "ops/ops.h"

/* Elements are handled in fixed pieces. */
enum { PIECE = 1 << 12 };
_Static_assert((int)PIECE % (int)DROPOUT_GROUP == 0, "a piece is whole groups");

/* out = x * factor, or out += x * factor: the op is a fixed diagonal, so this serves both passes. A
 * dropped NaN or infinity stays NaN, so that divergence is not hidden. */
static void apply(const DropoutDims *d, float *out, const float *x, bool add)
{
    size_t total = (size_t)d->N * d->size;
    long pieces = (long)((total + PIECE - 1) / PIECE);
#pragma omp parallel for schedule(static)
    for (long i = 0; i < pieces; i++) {
        size_t first = (size_t)i * PIECE, n = total - first < PIECE ? total - first : PIECE;
        float *to = out + first;
        const float *from = x + first;
        if (d->p > 0)
            SIMD_TABLE(dropout_table).apply(d, to, from, add, first, n);
        else if (add)
            vec_accumulate(to, from, n);
        else
            memcpy(to, from, n * sizeof *to);
    }
}

void dropout_forward(const DropoutDims *d, float *y, const float *x)
{
    if (y != x || d->p > 0) apply(d, y, x, false);
}

void dropout_backward(const DropoutDims *d, float *dx, const float *dy)
{
    if (dx) apply(d, dx, dy, true);
}

static void run_dropout_forward(const OpCall *c)
{
    dropout_forward(c->dims, c->y, c->x[0]);
}

static void run_dropout_backward(const OpCall *c)
{
    dropout_backward(c->dims, c->dx[0], c->dy);
}

const Op op_dropout = {.name = "dropout",
                       .dims_bytes = sizeof(DropoutDims),
                       .forward = run_dropout_forward,
                       .backward = run_dropout_backward,
                       .linear = true};
