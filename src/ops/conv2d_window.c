#include "ops/conv2d_window.h"

#include <string.h>

int window_depth(const Window *g)
{
    return g->taps_r * g->taps_s * g->C;
}

void window_row(const Window *g, float *out, const float *x, int ih, int left, int count)
{
    size_t C = (size_t)g->C;
    int from = left > 0 ? left : 0, to = left + count < g->W ? left + count : g->W;
    if (ih < 0 || ih >= g->H || from >= to) {
        memset(out, 0, (size_t)count * C * sizeof *out);
        return;
    }
    const float *row = x + ((size_t)ih * (size_t)g->W + (size_t)from) * C;
    size_t before = (size_t)(from - left) * C, inside = (size_t)(to - from) * C;
    size_t after = (size_t)(left + count - to) * C;
    if (before) memset(out, 0, before * sizeof *out);
    memcpy(out + before, row, inside * sizeof *out);
    if (after) memset(out + before + inside, 0, after * sizeof *out);
}

void window_gather(const Window *g, float *col, const float *x, int first, int count)
{
    size_t width = (size_t)g->taps_s * (size_t)g->C;
    int i = first / g->cols, j = first % g->cols;
    for (int p = 0; p < count; p++) {
        for (int r = 0; r < g->taps_r; r++, col += width)
            window_row(g, col, x, i * g->step + g->top + r, j * g->step + g->left, g->taps_s);
        if (++j == g->cols) {
            j = 0;
            i++;
        }
    }
}
