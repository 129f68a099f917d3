/* Pooling: the largest value or the mean of a window, channel by channel (ops.h). */
#include <string.h>

#include "math/vec.h"
#include "ops/op.h"
#include "ops/ops.h"

/* Channels of a unit of work: a fixed block of doubles on the stack. */
enum { BLOCK = 64 };

static int out_size(int padded, int window, int stride)
{
    return padded < window ? 0 : (padded - window) / stride + 1;
}

int pool_out_height(const PoolDims *d)
{
    return out_size(d->H + 2 * d->pad_h, d->R, d->stride);
}

int pool_out_width(const PoolDims *d)
{
    return out_size(d->W + 2 * d->pad_w, d->S, d->stride);
}

/* The pixels of x that pixel (i, j) of y sees: rows top .. bottom - 1, columns left .. right - 1. */
typedef struct {
    int top, bottom, left, right;
} Seen;

static int at_least_0(int i)
{
    return i > 0 ? i : 0;
}

static int at_most(int i, int most)
{
    return i < most ? i : most;
}

static Seen seen_from(const PoolDims *d, int i, int j)
{
    int top = i * d->stride - d->pad_h, left = j * d->stride - d->pad_w;
    return (Seen){at_least_0(top), at_most(top + d->R, d->H), at_least_0(left),
                  at_most(left + d->S, d->W)};
}

/* Where the first channel of pixel (i, j) of an image stands. */
static size_t place(const PoolDims *d, int i, int j)
{
    return ((size_t)i * (size_t)d->W + (size_t)j) * (size_t)d->C;
}

/* A unit of the forward passes is a row of y, one of backward, whose windows overlap, a block of channels
 * of an image. */
typedef struct {
    const OpCall *call;
    const PoolDims *d;
    int image, row, first, count;
} Unit;

static size_t x_begin(const Unit *u)
{
    return (size_t)u->image * place(u->d, u->d->H, 0) + (size_t)u->first;
}

static size_t y_begin(const Unit *u, int i, int j)
{
    size_t row = (size_t)u->image * (size_t)pool_out_height(u->d) + (size_t)i;
    size_t pixel = row * (size_t)pool_out_width(u->d) + (size_t)j;
    return pixel * (size_t)u->d->C + (size_t)u->first;
}

static void for_rows(const OpCall *c, void (*work)(const Unit *u))
{
    const PoolDims *d = c->dims;
    int rows = pool_out_height(d);
#pragma omp parallel for schedule(static)
    for (int i = 0; i < d->N * rows; i++) {
        Unit u = {c, d, i / rows, i % rows, 0, d->C};
        work(&u);
    }
}

static void for_blocks(const OpCall *c, void (*work)(const Unit *u))
{
    const PoolDims *d = c->dims;
    int blocks = (d->C + BLOCK - 1) / BLOCK;
#pragma omp parallel for schedule(static)
    for (int i = 0; i < d->N * blocks; i++) {
        Unit u = {c, d, i / blocks, 0, i % blocks * BLOCK, BLOCK};
        u.count = at_most(BLOCK, d->C - u.first);
        work(&u);
    }
}

/* ---- maxpool: y = x where it is largest */

static bool is_larger(float value, float than)
{
    return value > than || value != value;
}

static void keep_larger(float *y, const float *x, size_t n)
{
    for (size_t c = 0; c < n; c++) y[c] = is_larger(x[c], y[c]) ? x[c] : y[c];
}

static void max_row(const Unit *u)
{
    const PoolDims *d = u->d;
    const float *x = u->call->x[0] + x_begin(u);
    size_t C = (size_t)d->C;
    for (int j = 0; j < pool_out_width(d); j++) {
        float *y = u->call->y + y_begin(u, u->row, j);
        Seen s = seen_from(d, u->row, j);
        memcpy(y, x + place(d, s.top, s.left), C * sizeof *y);
        for (int r = s.top; r < s.bottom; r++)
            for (int k = s.left; k < s.right; k++) keep_larger(y, x + place(d, r, k), C);
    }
}

static void maxpool_forward(const OpCall *c)
{
    for_rows(c, max_row);
}

/* Where x, of one channel, is largest. */
static size_t place_of_largest(const PoolDims *d, const float *x, Seen s)
{
    size_t largest = place(d, s.top, s.left);
    for (int r = s.top; r < s.bottom; r++)
        for (int k = s.left; k < s.right; k++)
            if (x[largest] == x[largest] && is_larger(x[place(d, r, k)], x[largest]))
                largest = place(d, r, k);
    return largest;
}

/* dx += dy where x is largest; what is largest does not change, so this is backward2 too */
static void max_block_back(const Unit *u)
{
    const PoolDims *d = u->d;
    const float *x = u->call->x[0] + x_begin(u);
    float *dx = u->call->dx[0] + x_begin(u);
    for (int i = 0; i < pool_out_height(d); i++)
        for (int j = 0; j < pool_out_width(d); j++) {
            const float *dy = u->call->dy + y_begin(u, i, j);
            Seen s = seen_from(d, i, j);
            for (size_t c = 0; c < (size_t)u->count; c++)
                dx[c + place_of_largest(d, x + c, s)] += dy[c];
        }
}

static void maxpool_backward(const OpCall *c)
{
    if (c->dx[0]) for_blocks(c, max_block_back);
}

/* ydot = xdot where x is largest */
static void max_row_tangent(const Unit *u)
{
    const PoolDims *d = u->d;
    const float *x = u->call->x[0] + x_begin(u), *xdot = u->call->xdot[0] + x_begin(u);
    for (int j = 0; j < pool_out_width(d); j++) {
        float *ydot = u->call->ydot + y_begin(u, u->row, j);
        Seen s = seen_from(d, u->row, j);
        for (size_t c = 0; c < (size_t)d->C; c++) ydot[c] = xdot[c + place_of_largest(d, x + c, s)];
    }
}

static void maxpool_tangent(const OpCall *c)
{
    for_rows(c, max_row_tangent);
}

const Op op_maxpool = {.name = "maxpool",
                       .dims_bytes = sizeof(PoolDims),
                       .forward = maxpool_forward,
                       .backward = maxpool_backward,
                       .tangent = maxpool_tangent,
                       .backward2 = maxpool_backward,
                       .reads = OP_X0};

/* ---- meanpool: y = sum over the window / its pixels */

static double share_of(Seen s)
{
    return 1.0 / ((double)(s.bottom - s.top) * (s.right - s.left));
}

static void mean_row(const Unit *u)
{
    const PoolDims *d = u->d;
    const float *x = u->call->x[0] + x_begin(u);
    size_t C = (size_t)d->C;
    for (int j = 0; j < pool_out_width(d); j++) {
        float *y = u->call->y + y_begin(u, u->row, j);
        Seen s = seen_from(d, u->row, j);
        size_t columns = (size_t)(s.right - s.left);
        for (size_t first = 0; first < C; first += BLOCK) {
            size_t count = C - first < BLOCK ? C - first : BLOCK;
            double sum[BLOCK] = {0}, share = share_of(s);
            for (int r = s.top; r < s.bottom; r++)
                vec->column_sums(sum, x + place(d, r, s.left) + first, columns, C, count);
            for (size_t c = 0; c < count; c++) y[first + c] = (float)(sum[c] * share);
        }
    }
}

static void meanpool_forward(const OpCall *c)
{
    for_rows(c, mean_row);
}

/* dx += dy / pixels, at each pixel of the window */
static void mean_block_back(const Unit *u)
{
    const PoolDims *d = u->d;
    float *dx = u->call->dx[0] + x_begin(u);
    for (int i = 0; i < pool_out_height(d); i++)
        for (int j = 0; j < pool_out_width(d); j++) {
            const float *dy = u->call->dy + y_begin(u, i, j);
            Seen s = seen_from(d, i, j);
            for (int r = s.top; r < s.bottom; r++)
                for (int k = s.left; k < s.right; k++)
                    vec->axpy(dx + place(d, r, k), (float)share_of(s), dy, (size_t)u->count);
        }
}

static void meanpool_backward(const OpCall *c)
{
    if (c->dx[0]) for_blocks(c, mean_block_back);
}

const Op op_meanpool = {.name = "meanpool",
                        .dims_bytes = sizeof(PoolDims),
                        .forward = meanpool_forward,
                        .backward = meanpool_backward};
