#include "ops/op.h"
#include "ops/ops.h"

static size_t row_of(const CumsumDims *d, int n)
{
    return (size_t)n * (size_t)d->C;
}

/* y[n,k] = sum_{c<=k} x[n,c]. The sum is in double and rounded once per value, so that neighbours
 * differ by exactly their own term even after a thousand terms. */
void cumsum_forward(const CumsumDims *d, float *y, const float *x)
{
#pragma omp parallel for schedule(static)
    for (int n = 0; n < d->N; n++) {
        const float *in = x + row_of(d, n);
        float *out = y + row_of(d, n);
        double sum = 0;
        for (int c = 0; c < d->C; c++) out[c] = (float)(sum += (double)in[c]);
    }
}

/* dx[n,c] += sum_{k>=c} dy[n,k] */
void cumsum_backward(const CumsumDims *d, float *dx, const float *dy)
{
    if (!dx) return;
#pragma omp parallel for schedule(static)
    for (int n = 0; n < d->N; n++) {
        const float *in = dy + row_of(d, n);
        float *out = dx + row_of(d, n);
        double sum = 0;
        for (int c = d->C - 1; c >= 0; c--) out[c] += (float)(sum += (double)in[c]);
    }
}

static void run_cumsum_forward(const OpCall *c)
{
    cumsum_forward(c->dims, c->y, c->x[0]);
}

static void run_cumsum_backward(const OpCall *c)
{
    cumsum_backward(c->dims, c->dx[0], c->dy);
}

const Op op_cumsum = {.name = "cumsum",
                      .dims_bytes = sizeof(CumsumDims),
                      .forward = run_cumsum_forward,
                      .backward = run_cumsum_backward,
                      .linear = true};
