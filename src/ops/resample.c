#include <string.h>

#include "diffc/ops.h"
#include "diffc/vec.h"

/* upsample: y[n, 2h+a, 2w+b, c] = x[n,h,w,c] for a, b in {0, 1}. */
void upsample_forward(const ResampleDims *d, float *y, const float *x)
{
    size_t C = (size_t)d->C, row = (size_t)d->W * C;
    long rows = (long)d->N * d->H;
#pragma omp parallel for schedule(static)
    for (long r = 0; r < rows; r++) {
        const float *in = x + (size_t)r * row;
        float *out = y + (size_t)r * 4 * row;
        for (size_t w = 0; w < (size_t)d->W; w++) {
            memcpy(out + 2 * w * C, in + w * C, C * sizeof *out);
            memcpy(out + (2 * w + 1) * C, in + w * C, C * sizeof *out);
        }
        memcpy(out + 2 * row, out, 2 * row * sizeof *out);
    }
}

/* dx[n,h,w,c] += sum over the four copies. */
void upsample_backward(const ResampleDims *d, float *dx, const float *dy)
{
    if (!dx) return;
    size_t C = (size_t)d->C, row = (size_t)d->W * C;
    long rows = (long)d->N * d->H;
#pragma omp parallel for schedule(static)
    for (long r = 0; r < rows; r++) {
        for (size_t w = 0; w < (size_t)d->W; w++) {
            const float *top = dy + (size_t)r * 4 * row + 2 * w * C, *bottom = top + 2 * row;
            float *out = dx + (size_t)r * row + w * C;
            for (size_t c = 0; c < C; c++)
                out[c] += (top[c] + top[C + c]) + (bottom[c] + bottom[C + c]);
        }
    }
}

void upsample_tangent(const ResampleDims *d, float *ydot, const float *xdot)
{
    upsample_forward(d, ydot, xdot);
}

void upsample_backward2(const ResampleDims *d, float *mx, const float *my)
{
    upsample_backward(d, mx, my);
}

static int window_height(const ResampleDims *d)
{
    return d->factor ? d->factor : d->H;
}

static int window_width(const ResampleDims *d)
{
    return d->factor ? d->factor : d->W;
}

/* Channels summed at once: a fixed block of doubles on the stack. */
enum { BLOCK = 64 };

/* y[c] = mean over a window of h rows of w pixels, `row` floats apart, for `block` channels of C. */
static void window_mean(float *y, const float *x, int h, int w, size_t row, size_t C, size_t block)
{
    double sum[BLOCK] = {0};
    for (int i = 0; i < h; i++) {
        for (int j = 0; j < w; j++) {
            const float *in = x + (size_t)i * row + (size_t)j * C;
            for (size_t c = 0; c < block; c++) sum[c] += (double)in[c];
        }
    }
    for (size_t c = 0; c < block; c++) y[c] = (float)(sum[c] / ((double)h * w));
}

/* avgpool: y[n,i,j,c] = 1/(h w) sum over the h x w window at (i h, j w). */
void avgpool_forward(const ResampleDims *d, float *y, const float *x)
{
    int h = window_height(d), w = window_width(d), out_w = d->W / w;
    size_t C = (size_t)d->C, row = (size_t)d->W * C;
    long rows = (long)d->N * (d->H / h);
#pragma omp parallel for schedule(static)
    for (long r = 0; r < rows; r++) {
        const float *in = x + (size_t)r * (size_t)h * row;
        float *out = y + (size_t)r * (size_t)out_w * C;
        for (int j = 0; j < out_w; j++, in += (size_t)w * C, out += C) {
            for (size_t c = 0; c < C; c += BLOCK)
                window_mean(out + c, in + c, h, w, row, C, C - c < BLOCK ? C - c : BLOCK);
        }
    }
}

/* dx of every position of a window += dy / (h w). */
void avgpool_backward(const ResampleDims *d, float *dx, const float *dy)
{
    if (!dx) return;
    int h = window_height(d), w = window_width(d), out_w = d->W / w, out_h = d->H / h;
    size_t C = (size_t)d->C;
    float share = (float)(1.0 / ((double)h * w));
    long rows = (long)d->N * d->H;
#pragma omp parallel for schedule(static)
    for (long r = 0; r < rows; r++) {
        long image = r / d->H, i = r % d->H / h;
        const float *in = dy + (size_t)(image * out_h + i) * (size_t)out_w * C;
        float *out = dx + (size_t)r * (size_t)d->W * C;
        for (int j = 0; j < d->W; j++)
            vec_axpy(out + (size_t)j * C, share, in + (size_t)(j / w) * C, C);
    }
}

void avgpool_tangent(const ResampleDims *d, float *ydot, const float *xdot)
{
    avgpool_forward(d, ydot, xdot);
}

void avgpool_backward2(const ResampleDims *d, float *mx, const float *my)
{
    avgpool_backward(d, mx, my);
}
