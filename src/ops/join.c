#include <string.h>

#include "math/vec.h"
#include "ops/op.h"
#include "ops/ops.h"

/* ---- concat: y[n,t,:] = [a[n,t,:], b[n,t,:]] */

void concat_forward(const ConcatDims *d, float *y, const float *a, const float *b)
{
    size_t A = (size_t)d->A, B = (size_t)d->B;
    long rows = (long)d->N * d->T;
#pragma omp parallel for schedule(static)
    for (long r = 0; r < rows; r++) {
        float *out = y + (size_t)r * (A + B);
        memcpy(out, a + (size_t)r * A, A * sizeof *out);
        memcpy(out + A, b + (size_t)r * B, B * sizeof *out);
    }
}

static void put_row(float *to, const float *from, size_t n, bool set)
{
    if (set)
        memcpy(to, from, n * sizeof *to);
    else
        vec_accumulate(to, from, n);
}

void concat_backward(const ConcatDims *d, unsigned set, float *da, float *db, const float *dy)
{
    size_t A = (size_t)d->A, B = (size_t)d->B;
    long rows = (long)d->N * d->T;
#pragma omp parallel for schedule(static)
    for (long r = 0; r < rows; r++) {
        const float *in = dy + (size_t)r * (A + B);
        if (da) put_row(da + (size_t)r * A, in, A, set & 1);
        if (db) put_row(db + (size_t)r * B, in + A, B, set >> 1 & 1);
    }
}

/* ---- add, scale, affine: flat loops over N*size values in fixed pieces. */

enum { PIECE = 1 << 14 };

static long piece_count(const PointDims *d)
{
    return (long)(((size_t)d->N * d->size + PIECE - 1) / PIECE);
}

static size_t piece_length(const PointDims *d, long piece)
{
    size_t left = (size_t)d->N * d->size - (size_t)piece * PIECE;
    return left < PIECE ? left : PIECE;
}

/* y = a + b */
void add_forward(const PointDims *d, float *y, const float *a, const float *b)
{
    long pieces = piece_count(d);
#pragma omp parallel for schedule(static)
    for (long i = 0; i < pieces; i++) {
        size_t at = (size_t)i * PIECE;
        vec_add(y + at, a + at, b + at, piece_length(d, i));
    }
}

void add_backward(const PointDims *d, unsigned set, float *da, float *db, const float *dy)
{
    long pieces = piece_count(d);
#pragma omp parallel for schedule(static)
    for (long i = 0; i < pieces; i++) {
        size_t at = (size_t)i * PIECE;
        if (da) put_row(da + at, dy + at, piece_length(d, i), set & 1);
        if (db) put_row(db + at, dy + at, piece_length(d, i), set >> 1 & 1);
    }
}

/* y = factor x */
void scale_forward(const PointDims *d, float factor, float *y, const float *x)
{
    long pieces = piece_count(d);
#pragma omp parallel for schedule(static)
    for (long i = 0; i < pieces; i++) {
        size_t at = (size_t)i * PIECE;
        vec_scale(y + at, factor, x + at, piece_length(d, i));
    }
}

void scale_backward(const PointDims *d, float factor, float *dx, const float *dy)
{
    if (!dx) return;
    long pieces = piece_count(d);
#pragma omp parallel for schedule(static)
    for (long i = 0; i < pieces; i++) {
        size_t at = (size_t)i * PIECE;
        vec_axpy(dx + at, factor, dy + at, piece_length(d, i));
    }
}

/* affine: y = factor x + offset */
void affine_forward(const PointDims *d, float factor, float offset, float *y, const float *x)
{
#pragma omp parallel for
    for (int n = 0; n < d->N; n++) {
        size_t at = (size_t)n * d->size;
        for (size_t i = at; i < at + d->size; i++) y[i] = factor * x[i] + offset;
    }
}

/* ---- sums over the positions of an image, for shift and modulate. One unit of work is a block of
 * channels of one image, so a batch of one still uses several threads; sums in double. */

enum { BLOCK = 64 };

static long block_count(const ShiftDims *d)
{
    return ((long)d->C + BLOCK - 1) / BLOCK;
}

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
    long blocks = block_count(d), units = d->N * blocks;
#pragma omp parallel for schedule(static)
    for (long unit = 0; unit < units; unit++) {
        size_t image = (size_t)(unit / blocks), first = (size_t)(unit % blocks) * BLOCK;
        size_t block = C - first < BLOCK ? C - first : BLOCK;
        size_t at = image * (size_t)d->T * C + first;
        double sum[BLOCK] = {0};
        if (v)
            sum_products(sum, u + at, v + at, d->T, C, block);
        else
            vec_column_sums(sum, u + at, (size_t)d->T, C, block);
        if (u2) sum_products(sum, u2 + at, v2 + at, d->T, C, block);
        float *out = de + image * width + offset + first;
        for (size_t c = 0; c < block; c++) out[c] += (float)sum[c];
    }
}

/* ---- shift: y[n,t,c] = x[n,t,c] + e[n,c] */

void shift_forward(const ShiftDims *d, float *y, const float *x, const float *e)
{
    size_t C = (size_t)d->C;
    long rows = (long)d->N * d->T;
#pragma omp parallel for schedule(static)
    for (long r = 0; r < rows; r++)
        vec_add(y + (size_t)r * C, x + (size_t)r * C, e + (size_t)(r / d->T) * C, C);
}

void shift_backward(const ShiftDims *d, float *dx, float *de, const float *dy)
{
    PointDims point = {d->N, (size_t)d->T * (size_t)d->C};
    if (dx) add_backward(&point, 0, dx, NULL, dy);
    if (de) sum_to_embedding(d, de, (size_t)d->C, 0, dy, NULL, NULL, NULL);
}

/* ---- modulate: y = x (1 + s) + b with s[n,c] = e[n,c], b[n,c] = e[n,C+c] */

void modulate_forward(const ShiftDims *d, float *y, const float *x, const float *e)
{
    size_t C = (size_t)d->C;
    long rows = (long)d->N * d->T;
#pragma omp parallel for schedule(static)
    for (long r = 0; r < rows; r++) {
        const float *in = x + (size_t)r * C, *s = e + (size_t)(r / d->T) * 2 * C, *b = s + C;
        float *out = y + (size_t)r * C;
        for (size_t c = 0; c < C; c++) out[c] = in[c] * (1 + s[c]) + b[c];
    }
}

/* dx += dy (1 + s), ds += sum_t dy x, db += sum_t dy */
void modulate_backward(const ShiftDims *d, float *dx, float *de, const float *dy, const float *x,
                       const float *e)
{
    size_t C = (size_t)d->C;
    long rows = dx ? (long)d->N * d->T : 0;
#pragma omp parallel for schedule(static)
    for (long r = 0; r < rows; r++) {
        const float *in = dy + (size_t)r * C, *s = e + (size_t)(r / d->T) * 2 * C;
        float *out = dx + (size_t)r * C;
        for (size_t c = 0; c < C; c++) out[c] += in[c] * (1 + s[c]);
    }
    if (!de) return;
    sum_to_embedding(d, de, 2 * C, 0, dy, x, NULL, NULL);
    sum_to_embedding(d, de, 2 * C, C, dy, NULL, NULL, NULL);
}

/* ydot = xdot (1 + s) + x sdot + bdot */
void modulate_tangent(const ShiftDims *d, float *ydot, const float *x, const float *xdot,
                      const float *e, const float *edot)
{
    size_t C = (size_t)d->C;
    long rows = (long)d->N * d->T;
#pragma omp parallel for schedule(static)
    for (long r = 0; r < rows; r++) {
        size_t at = (size_t)r * C, of_image = (size_t)(r / d->T) * 2 * C;
        const float *s = e + of_image;
        float *out = ydot + at;
        for (size_t c = 0; c < C; c++) out[c] = xdot[at + c] * (1 + s[c]);
        if (!edot) continue;
        const float *sdot = edot + of_image, *bdot = sdot + C;
        for (size_t c = 0; c < C; c++) out[c] += x[at + c] * sdot[c] + bdot[c];
    }
}

/* mx += my (1 + s) + ly sdot, ms += sum_t my x + ly xdot, mb += sum_t my */
void modulate_backward2(const ShiftDims *d, float *mx, float *me, const float *my, const float *ly,
                        const float *x, const float *xdot, const float *e, const float *edot)
{
    size_t C = (size_t)d->C;
    long rows = mx ? (long)d->N * d->T : 0;
#pragma omp parallel for schedule(static)
    for (long r = 0; r < rows; r++) {
        size_t at = (size_t)r * C, of_image = (size_t)(r / d->T) * 2 * C;
        const float *s = e + of_image;
        float *out = mx + at;
        for (size_t c = 0; c < C; c++) out[c] += my[at + c] * (1 + s[c]);
        if (!edot) continue;
        const float *sdot = edot + of_image;
        for (size_t c = 0; c < C; c++) out[c] += ly[at + c] * sdot[c];
    }
    if (!me) return;
    sum_to_embedding(d, me, 2 * C, 0, my, x, ly, xdot);
    sum_to_embedding(d, me, 2 * C, C, my, NULL, NULL, NULL);
}

/* ---- rows */

static void run_concat_forward(const OpCall *c)
{
    concat_forward(c->dims, c->y, c->x[0], c->x[1]);
}

static void run_concat_backward(const OpCall *c)
{
    concat_backward(c->dims, c->set, c->dx[0], c->dx[1], c->dy);
}

const Op op_concat = {.name = "concat",
                      .dims_bytes = sizeof(ConcatDims),
                      .forward = run_concat_forward,
                      .backward = run_concat_backward,
                      .linear = true,
                      .overwrites = OP_X0 | OP_X1};

static void run_add_forward(const OpCall *c)
{
    add_forward(c->dims, c->y, c->x[0], c->x[1]);
}

static void run_add_backward(const OpCall *c)
{
    add_backward(c->dims, c->set, c->dx[0], c->dx[1], c->dy);
}

const Op op_add = {.name = "add",
                   .dims_bytes = sizeof(PointDims),
                   .forward = run_add_forward,
                   .backward = run_add_backward,
                   .linear = true,
                   .overwrites = OP_X0 | OP_X1,
                   .passes_on = OP_X0 | OP_X1};

static void run_scale_forward(const OpCall *c)
{
    const ScaleDims *d = c->dims;
    scale_forward(&d->point, d->factor, c->y, c->x[0]);
}

static void run_scale_backward(const OpCall *c)
{
    const ScaleDims *d = c->dims;
    scale_backward(&d->point, d->factor, c->dx[0], c->dy);
}

const Op op_scale = {.name = "scale",
                     .dims_bytes = sizeof(ScaleDims),
                     .forward = run_scale_forward,
                     .backward = run_scale_backward,
                     .linear = true};

static void run_affine_forward(const OpCall *c)
{
    const ScaleDims *d = c->dims;
    affine_forward(&d->point, d->factor, d->offset, c->y, c->x[0]);
}

static void run_affine_tangent(const OpCall *c)
{
    const ScaleDims *d = c->dims;
    scale_forward(&d->point, d->factor, c->ydot, c->xdot[0]);
}

const Op op_affine = {.name = "affine",
                      .dims_bytes = sizeof(ScaleDims),
                      .forward = run_affine_forward,
                      .backward = run_scale_backward,
                      .linear = true,
                      .tangent = run_affine_tangent};

static void run_shift_forward(const OpCall *c)
{
    shift_forward(c->dims, c->y, c->x[0], c->x[1]);
}

static void run_shift_backward(const OpCall *c)
{
    shift_backward(c->dims, c->dx[0], c->dx[1], c->dy);
}

const Op op_shift = {.name = "shift",
                     .dims_bytes = sizeof(ShiftDims),
                     .forward = run_shift_forward,
                     .backward = run_shift_backward,
                     .linear = true};

static void run_modulate_forward(const OpCall *c)
{
    modulate_forward(c->dims, c->y, c->x[0], c->x[1]);
}

static void run_modulate_backward(const OpCall *c)
{
    modulate_backward(c->dims, c->dx[0], c->dx[1], c->dy, c->x[0], c->x[1]);
}

static void run_modulate_tangent(const OpCall *c)
{
    modulate_tangent(c->dims, c->ydot, c->x[0], c->xdot[0], c->x[1], c->xdot[1]);
}

static void run_modulate_backward2(const OpCall *c)
{
    modulate_backward2(c->dims, c->mx[0], c->mx[1], c->my, c->dy, c->x[0], c->xdot[0], c->x[1],
                       c->xdot[1]);
}

const Op op_modulate = {.name = "modulate",
                        .dims_bytes = sizeof(ShiftDims),
                        .forward = run_modulate_forward,
                        .backward = run_modulate_backward,
                        .tangent = run_modulate_tangent,
                        .backward2 = run_modulate_backward2,
                        .backward_values = OP_X0 | OP_X1,
                        .tangent_values = OP_X0 | OP_X1,
                        .second_values = OP_X0 | OP_X1,
                        .tangent_may_be_null = OP_X1,
                        .second_tangents = OP_X0 | OP_X1,
                        .second_lambda = true};
