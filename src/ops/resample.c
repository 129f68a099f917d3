#include <string.h>

#include "math/vec.h"
#include "ops/op.h"
#include "ops/ops.h"

/* upsample: y[n, 2h+a, 2w+b, c] = x[n,h,w,c] for a, b in {0, 1}. */
static void upsample_forward(const OpCall *c)
{
    const ResampleDims *d = c->dims;
    size_t C = (size_t)d->C, row = (size_t)d->W * C;
    long rows = (long)d->N * d->H;
#pragma omp parallel for schedule(static)
    for (long r = 0; r < rows; r++) {
        const float *in = c->x[0] + (size_t)r * row;
        float *out = c->y + (size_t)r * 4 * row;
        for (size_t w = 0; w < (size_t)d->W; w++) {
            memcpy(out + 2 * w * C, in + w * C, C * sizeof *out);
            memcpy(out + (2 * w + 1) * C, in + w * C, C * sizeof *out);
        }
        memcpy(out + 2 * row, out, 2 * row * sizeof *out);
    }
}

/* dx[n,h,w,c] += sum over the four copies. */
static void upsample_backward(const OpCall *c)
{
    const ResampleDims *d = c->dims;
    if (!c->dx[0]) return;
    size_t C = (size_t)d->C, row = (size_t)d->W * C;
    long rows = (long)d->N * d->H;
#pragma omp parallel for schedule(static)
    for (long r = 0; r < rows; r++) {
        for (size_t w = 0; w < (size_t)d->W; w++) {
            const float *top = c->dy + (size_t)r * 4 * row + 2 * w * C, *bottom = top + 2 * row;
            float *out = c->dx[0] + (size_t)r * row + w * C;
            for (size_t k = 0; k < C; k++)
                out[k] += (top[k] + top[C + k]) + (bottom[k] + bottom[C + k]);
        }
    }
}

const Op op_upsample = {.name = "upsample",
                        .dims_bytes = sizeof(ResampleDims),
                        .forward = upsample_forward,
                        .backward = upsample_backward};

/* Channels summed together: a fixed block of doubles on the stack. */
enum { BLOCK = 64 };

/* Sums of a block of channels of one image: all of it, its first and last row, its first and last
 * column. */
typedef struct {
    double all[BLOCK], row[2][BLOCK], column[2][BLOCK];
} BorderSums;

static void border_sums(const ResampleDims *d, BorderSums *s, const float *x, size_t block)
{
    size_t H = (size_t)d->H, W = (size_t)d->W, C = (size_t)d->C;
    memset(s, 0, sizeof *s);
    vec->column_sums(s->all, x, H * W, C, block);
    vec->column_sums(s->row[0], x, W, C, block);
    vec->column_sums(s->row[1], x + (H - 1) * W * C, W, C, block);
    vec->column_sums(s->column[0], x, H, W * C, block);
    vec->column_sums(s->column[1], x + (W - 1) * C, H, W * C, block);
}

/* Place (r, s) never reads the last row when r = 0, nor the first when r = 2; columns alike. */
static void tap_block(const ResampleDims *d, float *y, const float *x, size_t block)
{
    size_t C = (size_t)d->C, pixel = C * (size_t)(d->W - 1),
           line = C * (size_t)d->W * (size_t)(d->H - 1);
    double share = 1 / ((double)d->H * d->W);
    BorderSums sums;
    border_sums(d, &sums, x, block);
    for (int r = 0; r < 3; r++)
        for (int s = 0; s < 3; s++, y += C) {
            const float *corner = x + (r == 0 ? line : 0) + (s == 0 ? pixel : 0);
            for (size_t c = 0; c < block; c++) {
                double sum = sums.all[c];
                if (r != 1) sum -= sums.row[r == 0][c];
                if (s != 1) sum -= sums.column[s == 0][c];
                if (r != 1 && s != 1) sum += (double)corner[c];
                y[c] = (float)(sum * share);
            }
        }
}

static void tapmeans_forward(const OpCall *c)
{
    const ResampleDims *d = c->dims;
    size_t C = (size_t)d->C, image = (size_t)d->H * (size_t)d->W * C;
    int blocks = (d->C + BLOCK - 1) / BLOCK;
#pragma omp parallel for schedule(static)
    for (int i = 0; i < d->N * blocks; i++) {
        size_t n = (size_t)(i / blocks), k = (size_t)(i % blocks) * BLOCK;
        tap_block(d, c->y + n * 9 * C + k, c->x[0] + n * image + k, C - k < BLOCK ? C - k : BLOCK);
    }
}

/* A row of a block of channels: dx of every pixel += the places that read it, over H W. */
static void tap_row_back(const ResampleDims *d, float *dx, const float *dy, int row, size_t block)
{
    size_t C = (size_t)d->C;
    float share = (float)(1.0 / ((double)d->H * d->W)), column[3][BLOCK] = {{0}}, sum[BLOCK];
    for (int r = 0; r < 3; r++) {
        if ((r == 0 && row == d->H - 1) || (r == 2 && row == 0)) continue;
        for (int s = 0; s < 3; s++) vec_accumulate(column[s], dy + (size_t)(3 * r + s) * C, block);
    }
    for (int w = 0; w < d->W; w++, dx += C) {
        memcpy(sum, column[1], block * sizeof *sum);
        if (w < d->W - 1) vec_accumulate(sum, column[0], block);
        if (w > 0) vec_accumulate(sum, column[2], block);
        vec->axpy(dx, share, sum, block);
    }
}

static void tapmeans_backward(const OpCall *c)
{
    const ResampleDims *d = c->dims;
    if (!c->dx[0]) return;
    size_t C = (size_t)d->C, line = (size_t)d->W * C;
    long rows = (long)d->N * d->H;
#pragma omp parallel for schedule(static)
    for (long r = 0; r < rows; r++)
        for (size_t k = 0; k < C; k += BLOCK)
            tap_row_back(d, c->dx[0] + (size_t)r * line + k, c->dy + (size_t)(r / d->H) * 9 * C + k,
                         (int)(r % d->H), C - k < BLOCK ? C - k : BLOCK);
}

const Op op_tapmeans = {.name = "tapmeans",
                        .dims_bytes = sizeof(ResampleDims),
                        .forward = tapmeans_forward,
                        .backward = tapmeans_backward};
