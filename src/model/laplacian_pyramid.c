#include "model/laplacian_pyramid.h"

PyramidShape pyramid_shape(Shape image)
{
    PyramidShape p = {.count = 1, .level = {image}};
    while (p.count < PYRAMID_MOST_LEVELS) {
        Shape last = p.level[p.count - 1];
        Shape half = {.H = (last.H + 1) / 2, .W = (last.W + 1) / 2, .C = last.C};
        if (half.H < PYRAMID_LEAST_SIDE || half.W < PYRAMID_LEAST_SIDE) break;
        p.level[p.count++] = half;
    }
    return p;
}

size_t pyramid_offset(const PyramidShape *p, int level)
{
    size_t floats = 0;
    for (int i = 0; i < level; i++) floats += shape_values(p->level[i]);
    return floats;
}

size_t pyramid_floats(const PyramidShape *p)
{
    return pyramid_offset(p, p->count);
}

static int mirror(int i, int n)
{
    if (i < 0) i = -i;
    return i < n ? i : 2 * (n - 1) - i;
}

/* An axis of n places, each of `inner` floats: x [outer, n, inner]. */
typedef struct {
    int outer, n, inner;
} Axis;

/* y [outer, (n + 1)/2, inner] */
static void halve(Axis a, const float *x, float *y)
{
    for (int o = 0; o < a.outer; o++, x += (size_t)a.n * (size_t)a.inner)
        for (int i = 0; i < a.n; i += 2, y += a.inner) {
            const float *at[5];
            for (int k = 0; k < 5; k++)
                at[k] = x + (size_t)mirror(i + k - 2, a.n) * (size_t)a.inner;
            for (int c = 0; c < a.inner; c++)
                y[c] = 0.0625f * (at[0][c] + at[4][c]) + 0.25f * (at[1][c] + at[3][c]) +
                       0.375f * at[2][c];
        }
}

/* y [outer, n, inner] of x [outer, (n + 1)/2, inner], whose places are the even ones of y. */
static void double_up(Axis a, const float *x, float *y)
{
    size_t inner = (size_t)a.inner;
    for (int o = 0; o < a.outer; o++, x += (size_t)((a.n + 1) / 2) * inner)
        for (int i = 0; i < a.n; i++, y += inner) {
            int odd = i % 2;
            const float *before = x + (size_t)(mirror(i - 2 + odd, a.n) / 2) * inner;
            const float *here = x + (size_t)(i / 2) * inner;
            const float *after = x + (size_t)(mirror(i + 2 - odd, a.n) / 2) * inner;
            for (size_t c = 0; c < inner; c++)
                y[c] = odd ? 0.5f * (before[c] + after[c])
                           : 0.125f * (before[c] + after[c]) + 0.75f * here[c];
        }
}

/* x -= up(low); scratch [fine.H, coarse.W, C], row [fine.W, C] */
static void subtract_doubled(Shape fine, Shape coarse, float *x, const float *low, float *scratch,
                             float *row)
{
    size_t narrow = (size_t)coarse.W * (size_t)fine.C, wide = (size_t)fine.W * (size_t)fine.C;
    double_up((Axis){1, fine.H, coarse.W * fine.C}, low, scratch);
    for (int y = 0; y < fine.H; y++) {
        double_up((Axis){1, fine.W, fine.C}, scratch + (size_t)y * narrow, row);
        for (size_t i = 0; i < wide; i++) x[(size_t)y * wide + i] -= row[i];
    }
}

void pyramid_make(const PyramidShape *p, const unsigned char *pixels, float *levels, float *scratch)
{
    size_t floats = shape_values(p->level[0]);
    for (size_t i = 0; i < floats; i++) levels[i] = (float)pixels[i];
    for (int l = 0; l + 1 < p->count; l++) {
        Shape fine = p->level[l], coarse = p->level[l + 1];
        float *x = levels, *low = levels + shape_values(fine);
        halve((Axis){1, fine.H, fine.W * fine.C}, x, scratch);
        halve((Axis){coarse.H, fine.W, fine.C}, scratch, low);
        /* coarse.W is about half of fine.W, so a row has room behind [fine.H, coarse.W, C]. */
        float *row = scratch + (size_t)fine.H * (size_t)coarse.W * (size_t)fine.C;
        subtract_doubled(fine, coarse, x, low, scratch, row);
        levels = low;
    }
}
