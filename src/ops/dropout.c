#include <string.h>

#include "math/vec.h"
#include "ops/dropout_table.h"
#include "ops/op.h"
#include "ops/ops.h"
#include "ops/pieces.h"

_Static_assert((int)PIECE % (int)DROPOUT_GROUP == 0, "a piece is whole groups");

static void dropout_piece(const DropoutDims *d, float *out, const float *x, bool add, size_t first,
                          size_t n)
{
    if (d->p > 0)
        SIMD_TABLE(dropout_table).apply(d, out + first, x + first, add, first, n);
    else if (add)
        vec_accumulate(out + first, x + first, n);
    else
        memcpy(out + first, x + first, n * sizeof *out);
}

/* y = x * factor, with factor keep / (1 - p). A dropped NaN or infinity stays NaN, so that
 * divergence is not hidden. */
static void dropout_forward(const OpCall *c)
{
    const DropoutDims *d = c->dims;
    FOR_PIECES(d, dropout_piece(d, c->y, c->x[0], false, i, n));
}

static bool dropout_is_identity(const void *dims)
{
    return ((const DropoutDims *)dims)->p <= 0;
}

/* dx += dy * factor */
static void dropout_backward(const OpCall *c)
{
    const DropoutDims *d = c->dims;
    if (c->dx[0]) FOR_PIECES(d, dropout_piece(d, c->dx[0], c->dy, true, i, n));
}

const Op op_dropout = {.name = "dropout",
                       .dims_bytes = sizeof(DropoutDims),
                       .forward = dropout_forward,
                       .in_place = true,
                       .is_identity = dropout_is_identity,
                       .backward = dropout_backward};
