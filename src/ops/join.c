#include <string.h>

#include "math/vec.h"
#include "ops/op.h"
#include "ops/ops.h"
#include "ops/pieces.h"

/* ---- concat: y[n,t,:] = [a[n,t,:], b[n,t,:]] */

static void concat_forward(const OpCall *c)
{
    const ConcatDims *d = c->dims;
    size_t A = (size_t)d->A, B = (size_t)d->B;
    long rows = (long)d->N * d->T;
#pragma omp parallel for schedule(static)
    for (long r = 0; r < rows; r++) {
        float *out = c->y + (size_t)r * (A + B);
        memcpy(out, c->x[0] + (size_t)r * A, A * sizeof *out);
        memcpy(out + A, c->x[1] + (size_t)r * B, B * sizeof *out);
    }
}

/* dx[k] = from, or dx[k] += from, at its place `at`; nothing where dx[k] is not wanted. */
static void pass_on(const OpCall *c, int k, size_t at, const float *from, size_t n)
{
    if (!c->dx[k]) return;
    if (c->set >> k & 1)
        memcpy(c->dx[k] + at, from, n * sizeof *from);
    else
        vec_accumulate(c->dx[k] + at, from, n);
}

static void concat_backward(const OpCall *c)
{
    const ConcatDims *d = c->dims;
    size_t A = (size_t)d->A, B = (size_t)d->B;
    long rows = (long)d->N * d->T;
#pragma omp parallel for schedule(static)
    for (long r = 0; r < rows; r++) {
        const float *in = c->dy + (size_t)r * (A + B);
        pass_on(c, 0, (size_t)r * A, in, A);
        pass_on(c, 1, (size_t)r * B, in + A, B);
    }
}

const Op op_concat = {.name = "concat",
                      .dims_bytes = sizeof(ConcatDims),
                      .forward = concat_forward,
                      .backward = concat_backward,
                      .overwrites = OP_X0 | OP_X1};

/* ---- add: y = a + b */

static void add_forward(const OpCall *c)
{
    const PointDims *d = c->dims;
    FOR_PIECES(d, vec->add(c->y + i, c->x[0] + i, c->x[1] + i, n));
}

static void add_backward(const OpCall *c)
{
    const PointDims *d = c->dims;
    FOR_PIECES(d, {
        pass_on(c, 0, i, c->dy + i, n);
        pass_on(c, 1, i, c->dy + i, n);
    });
}

const Op op_add = {.name = "add",
                   .dims_bytes = sizeof(PointDims),
                   .forward = add_forward,
                   .backward = add_backward,
                   .overwrites = OP_X0 | OP_X1,
                   .passes_on = OP_X0 | OP_X1};

/* ---- affine: y = factor x + offset */

static void affine_piece(const AffineDims *d, float *y, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++) y[i] = d->factor * x[i] + d->offset;
}

static void affine_forward(const OpCall *c)
{
    const AffineDims *d = c->dims;
    FOR_PIECES(&d->point, affine_piece(d, c->y + i, c->x[0] + i, n));
}

static void affine_backward(const OpCall *c)
{
    const AffineDims *d = c->dims;
    if (c->dx[0]) FOR_PIECES(&d->point, vec->axpy(c->dx[0] + i, d->factor, c->dy + i, n));
}

static void affine_tangent(const OpCall *c)
{
    const AffineDims *d = c->dims;
    FOR_PIECES(&d->point, vec->scale(c->ydot + i, d->factor, c->xdot[0] + i, n));
}

const Op op_affine = {.name = "affine",
                      .dims_bytes = sizeof(AffineDims),
                      .forward = affine_forward,
                      .backward = affine_backward,
                      .tangent = affine_tangent};

/* ---- sums over the positions of an image, for shift and modulate. One unit of work is a block of
 * channels of one image, so a batch of one still uses several threads; sums in double. */

enum { BLOCK = 64 };

/* sum[c] += sum_t u[t,c] v[t,c]; rows are C floats apart. */
static void sum_products(double *sum, const float *u, const float *v, int T, size_t C, size_t block)
{
    for (int t = 0; t < T; t++, u += C, v += C)
        for (size_t c = 0; c < block; c++) sum[c] += (double)u[c] * (double)v[c];
}

/* de[n, offset + c] += sum_t (u v + u2 v2)[n,t,c], with `width` values of e for an image; v NULL: 1,
 * u2 NULL: 0. */
static void sum_to_embedding(const ShiftDims *d, float *de, size_t width, size_t offset,
                             const float *u, const float *v, const float *u2, const float *v2)
{
    size_t C = (size_t)d->C;
    long blocks = ((long)d->C + BLOCK - 1) / BLOCK, units = d->N * blocks;
#pragma omp parallel for schedule(static)
    for (long unit = 0; unit < units; unit++) {
        size_t image = (size_t)(unit / blocks), first = (size_t)(unit % blocks) * BLOCK;
        size_t block = C - first < BLOCK ? C - first : BLOCK;
        size_t at = image * (size_t)d->T * C + first;
        double sum[BLOCK] = {0};
        if (v)
            sum_products(sum, u + at, v + at, d->T, C, block);
        else
            vec->column_sums(sum, u + at, (size_t)d->T, C, block);
        if (u2) sum_products(sum, u2 + at, v2 + at, d->T, C, block);
        float *out = de + image * width + offset + first;
        for (size_t c = 0; c < block; c++) out[c] += (float)sum[c];
    }
}

/* ---- shift: y[n,t,c] = x[n,t,c] + e[n,c] */

static void shift_forward(const OpCall *c)
{
    const ShiftDims *d = c->dims;
    size_t C = (size_t)d->C;
    long rows = (long)d->N * d->T;
#pragma omp parallel for schedule(static)
    for (long r = 0; r < rows; r++)
        vec->add(c->y + (size_t)r * C, c->x[0] + (size_t)r * C, c->x[1] + (size_t)(r / d->T) * C,
                 C);
}

static void shift_backward(const OpCall *c)
{
    const ShiftDims *d = c->dims;
    PointDims point = {d->N, (size_t)d->T * (size_t)d->C};
    if (c->dx[0]) FOR_PIECES(&point, vec_accumulate(c->dx[0] + i, c->dy + i, n));
    if (c->dx[1]) sum_to_embedding(d, c->dx[1], (size_t)d->C, 0, c->dy, NULL, NULL, NULL);
}

const Op op_shift = {.name = "shift",
                     .dims_bytes = sizeof(ShiftDims),
                     .forward = shift_forward,
                     .backward = shift_backward};

/* ---- modulate: y = x (1 + s) + b with s[n,c] = e[n,c], b[n,c] = e[n,C+c] */

static void modulate_forward(const OpCall *c)
{
    const ShiftDims *d = c->dims;
    size_t C = (size_t)d->C;
    long rows = (long)d->N * d->T;
#pragma omp parallel for schedule(static)
    for (long r = 0; r < rows; r++) {
        const float *in = c->x[0] + (size_t)r * C;
        const float *s = c->x[1] + (size_t)(r / d->T) * 2 * C, *b = s + C;
        float *out = c->y + (size_t)r * C;
        for (size_t k = 0; k < C; k++) out[k] = in[k] * (1 + s[k]) + b[k];
    }
}

/* dx += dy (1 + s), and in backward2 + ly sdot */
static void modulate_backward_x(const OpCall *c)
{
    const ShiftDims *d = c->dims;
    const float *ly = c->ly, *edot = c->xdot[1];
    size_t C = (size_t)d->C;
    long rows = c->dx[0] ? (long)d->N * d->T : 0;
#pragma omp parallel for schedule(static)
    for (long r = 0; r < rows; r++) {
        size_t at = (size_t)r * C, of_image = (size_t)(r / d->T) * 2 * C;
        const float *s = c->x[1] + of_image;
        float *out = c->dx[0] + at;
        for (size_t k = 0; k < C; k++) out[k] += c->dy[at + k] * (1 + s[k]);
        for (size_t k = 0; edot && k < C; k++) out[k] += ly[at + k] * edot[of_image + k];
    }
}

/* ds += sum_t dy x, and in backward2 + ly xdot;   db += sum_t dy */
static void modulate_backward(const OpCall *c)
{
    const ShiftDims *d = c->dims;
    size_t C = (size_t)d->C;
    modulate_backward_x(c);
    if (!c->dx[1]) return;
    sum_to_embedding(d, c->dx[1], 2 * C, 0, c->dy, c->x[0], c->ly, c->xdot[0]);
    sum_to_embedding(d, c->dx[1], 2 * C, C, c->dy, NULL, NULL, NULL);
}

/* ydot = xdot (1 + s) + x sdot + bdot */
static void modulate_tangent(const OpCall *c)
{
    const ShiftDims *d = c->dims;
    const float *x = c->x[0], *xdot = c->xdot[0], *edot = c->xdot[1];
    size_t C = (size_t)d->C;
    long rows = (long)d->N * d->T;
#pragma omp parallel for schedule(static)
    for (long r = 0; r < rows; r++) {
        size_t at = (size_t)r * C, of_image = (size_t)(r / d->T) * 2 * C;
        const float *s = c->x[1] + of_image;
        float *out = c->ydot + at;
        for (size_t k = 0; k < C; k++) out[k] = xdot[at + k] * (1 + s[k]);
        if (!edot) continue;
        const float *sdot = edot + of_image, *bdot = sdot + C;
        for (size_t k = 0; k < C; k++) out[k] += x[at + k] * sdot[k] + bdot[k];
    }
}

const Op op_modulate = {.name = "modulate",
                        .dims_bytes = sizeof(ShiftDims),
                        .forward = modulate_forward,
                        .backward = modulate_backward,
                        .tangent = modulate_tangent,
                        .backward2 = modulate_backward,
                        .reads = OP_X0 | OP_X1,
                        .tangent_may_be_null = OP_X1};
