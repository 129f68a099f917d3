#include "ops/op.h"
#include "ops/ops.h"

/* y[n,k] = sum_{c<=k} x[n,c]. The sum is in double and rounded once per value, so that neighbours
 * differ by exactly their own term even after a thousand terms. */
static void cumsum_forward(const OpCall *c)
{
    const CumsumDims *d = c->dims;
#pragma omp parallel for schedule(static)
    for (int n = 0; n < d->N; n++) {
        size_t row = (size_t)n * (size_t)d->C;
        double sum = 0;
        for (size_t k = row; k < row + (size_t)d->C; k++)
            c->y[k] = (float)(sum += (double)c->x[0][k]);
    }
}

/* dx[n,c] += sum_{k>=c} dy[n,k] */
static void cumsum_backward(const OpCall *c)
{
    const CumsumDims *d = c->dims;
    if (!c->dx[0]) return;
#pragma omp parallel for schedule(static)
    for (int n = 0; n < d->N; n++) {
        size_t row = (size_t)n * (size_t)d->C;
        double sum = 0;
        for (size_t k = row + (size_t)d->C; k-- > row;)
            c->dx[0][k] += (float)(sum += (double)c->dy[k]);
    }
}

const Op op_cumsum = {.name = "cumsum",
                      .dims_bytes = sizeof(CumsumDims),
                      .forward = cumsum_forward,
                      .backward = cumsum_backward};
