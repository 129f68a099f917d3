/* The one-dimensional transforms of Winograd's F(m,3), m = 4 or 2, on vectors, and the reading of
 * input rows. Only winograd*_simd.c include this. */
#ifndef DIFFC_OPS_WINOGRAD_POINTS_H
#define DIFFC_OPS_WINOGRAD_POINTS_H

#include "math/vec_simd.h"
#include "ops/winograd_table.h"

/* Unrolls the next loop, of a constant count, altogether: its vectors then live in registers. */
#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

#define SQRT_HALF 0.70710678118654752f /* a = 1/sqrt 2 */
#define SQRT_TWO  1.41421356237309505f /* b = 2 a, and a b = 1 */

enum { LINE_FLOATS = 16 }; /* a cache line */

/* Whether the transforms' memory is fetched ahead, during the products: measured at this width only. */
enum { WINOGRAD_FETCHES = LANES == 8 };

enum {
    MOST_POINTS = 6,
    SEGMENT_COLUMNS = SEGMENT_TILES * 4 + 2,
    LINE = SEGMENT_COLUMNS * LANES, /* one row of a segment, one vector of channels */
};

/* y + a x and y - a x */
LANES_INLINE Lanes plus(Lanes y, float a, Lanes x)
{
    return lanes_fma(lanes_set(a), x, y);
}

LANES_INLINE Lanes minus(Lanes y, float a, Lanes x)
{
    return lanes_fnma(lanes_set(a), x, y);
}

/* o = B^T d */
LANES_INLINE void input_points(int m, const Lanes *d, Lanes *o)
{
    if (m == 2) {
        o[0] = d[0] - d[2];
        o[1] = d[1] + d[2];
        o[2] = d[2] - d[1];
        o[3] = d[1] - d[3];
        return;
    }
    Lanes even_a = minus(d[4], 2.0f, d[2]), odd_a = minus(d[3], 2.0f, d[1]);
    Lanes even_b = minus(d[4], 0.5f, d[2]), odd_b = minus(d[3], 0.5f, d[1]);
    o[0] = minus(d[0] + d[4], 2.5f, d[2]);
    o[1] = plus(even_a, SQRT_HALF, odd_a);
    o[2] = minus(even_a, SQRT_HALF, odd_a);
    o[3] = plus(even_b, SQRT_TWO, odd_b);
    o[4] = minus(even_b, SQRT_TWO, odd_b);
    o[5] = minus(d[1] + d[5], 2.5f, d[3]);
}

/* o = A^T d + offset */
LANES_INLINE void output_points(int m, const Lanes *d, Lanes offset, Lanes *o)
{
    if (m == 2) {
        o[0] = ((d[0] + d[1]) + d[2]) + offset;
        o[1] = ((d[1] - d[2]) - d[3]) + offset;
        return;
    }
    Lanes sum_a = d[1] + d[2], odd_a = d[1] - d[2];
    Lanes sum_b = d[3] + d[4], odd_b = d[3] - d[4];
    o[0] = ((d[0] + sum_a) + sum_b) + offset;
    o[1] = plus(offset, SQRT_HALF, plus(odd_a, 2.0f, odd_b));
    o[2] = plus(offset, 0.5f, plus(sum_a, 4.0f, sum_b));
    o[3] = plus(d[5], 0.5f * SQRT_HALF, plus(odd_a, 8.0f, odd_b)) + offset;
}

/* o = A d: a tile of dy among the frequencies. */
LANES_INLINE void gradient_points(int m, const Lanes *d, Lanes *o)
{
    if (m == 2) {
        o[0] = d[0];
        o[1] = d[0] + d[1];
        o[2] = d[0] - d[1];
        o[3] = -d[1];
        return;
    }
    Lanes even_a = plus(d[0], 0.5f, d[2]), odd_a = plus(d[1], 0.5f, d[3]);
    Lanes even_b = plus(d[0], 2.0f, d[2]), odd_b = plus(d[1], 2.0f, d[3]);
    o[0] = d[0];
    o[1] = plus(even_a, SQRT_HALF, odd_a);
    o[2] = minus(even_a, SQRT_HALF, odd_a);
    o[3] = plus(even_b, SQRT_TWO, odd_b);
    o[4] = minus(even_b, SQRT_TWO, odd_b);
    o[5] = d[3];
}

/* o = G g */
LANES_INLINE void weight_points(int m, const Lanes *g, Lanes *o)
{
    if (m == 2) {
        Lanes even = 0.5f * (g[0] + g[2]);
        o[0] = g[0];
        o[1] = plus(even, 0.5f, g[1]);
        o[2] = minus(even, 0.5f, g[1]);
        o[3] = g[2];
        return;
    }
    Lanes even_a = (-1.0f / 1.5f) * plus(g[0], 0.5f, g[2]);
    Lanes even_b = (1.0f / 6) * plus(g[0], 2.0f, g[2]);
    o[0] = g[0];
    o[1] = minus(even_a, SQRT_HALF / 1.5f, g[1]);
    o[2] = plus(even_a, SQRT_HALF / 1.5f, g[1]);
    o[3] = plus(even_b, SQRT_TWO / 6, g[1]);
    o[4] = minus(even_b, SQRT_TWO / 6, g[1]);
    o[5] = g[2];
}

/* o = G^T d */
LANES_INLINE void weight_points_transposed(int m, const Lanes *d, Lanes *o)
{
    if (m == 2) {
        Lanes sum = d[1] + d[2];
        o[0] = plus(d[0], 0.5f, sum);
        o[1] = 0.5f * (d[1] - d[2]);
        o[2] = plus(d[3], 0.5f, sum);
        return;
    }
    Lanes sum_a = d[1] + d[2], odd_a = d[1] - d[2];
    Lanes sum_b = d[3] + d[4], odd_b = d[3] - d[4];
    o[0] = minus(d[0], 1.0f / 1.5f, minus(sum_a, 0.25f, sum_b));
    o[1] = (SQRT_TWO / 6) * minus(odd_b, 2.0f, odd_a);
    o[2] = plus(d[5], 1.0f / 3, sum_b - sum_a);
}

/* Makes the call with TILE, the plan's size of a tile, as a constant. */
#define WITH_TILE(p, call)                                                                         \
    do {                                                                                           \
        if ((p)->tile == 4) {                                                                      \
            enum { TILE = 4 };                                                                     \
            call;                                                                                  \
        } else {                                                                                   \
            enum { TILE = 2 };                                                                     \
            call;                                                                                  \
        }                                                                                          \
    } while (0)

/* The rows of one input segment for one vector of channels, in columns from the segment's first,
 * which is column m * s.column - 1 of the image: full vectors, step[i] floats apart in row i, valid
 * for columns first .. last-1; the other columns, and rows outside the image, are zero. */
typedef struct {
    const float *row[MOST_POINTS];
    size_t step[MOST_POINTS];
    size_t pixel[MOST_POINTS]; /* of column `first` */
    bool inside[MOST_POINTS];
    int n, top, left, columns, first, last;
} InputRows;

static const float zero_lanes[WIDEST];

/* Channels c .. c+LANES-1 of pixel (h, w) of image n, those past C zero. */
LANES_INLINE Lanes input_pixel(const WinogradPlan *p, const WinogradInput *x, int n, int h, int w,
                               int c)
{
    size_t index = ((size_t)n * (size_t)p->in_H + (size_t)h) * (size_t)p->in_W + (size_t)w;
    if (x->upsampled)
        index = ((size_t)n * (size_t)(p->in_H / 2) + (size_t)(h / 2)) * (size_t)(p->in_W / 2) +
                (size_t)(w / 2);
    int left = p->C - c < LANES ? p->C - c : LANES;
    return lanes_load(x->x + index * (size_t)p->C + c, (size_t)left);
}

LANES_INLINE InputRows input_rows(const WinogradPlan *p, WinogradSegment s, int m)
{
    InputRows r = {.n = s.n, .top = s.row * m - p->pad, .left = s.column * m - p->pad};
    r.columns = s.tiles * m + 2;
    r.first = r.left < 0 ? -r.left : 0;
    r.last = p->in_W - r.left < r.columns ? p->in_W - r.left : r.columns;
    for (int i = 0; i < m + 2; i++) {
        int h = r.top + i;
        r.inside[i] = h >= 0 && h < p->in_H;
        if (r.inside[i])
            r.pixel[i] = ((size_t)s.n * (size_t)p->in_H + (size_t)h) * (size_t)p->in_W +
                         (size_t)(r.left + r.first);
    }
    return r;
}

/* Sets the rows to one vector of channels. `copy`, [points][LINE], takes those that are not whole
 * vectors of x. */
LANES_INLINE void input_rows_at(const WinogradPlan *p, const WinogradInput *x, InputRows *r, int m,
                                int c_vector, float *copy)
{
    int c = c_vector * LANES;
    bool whole = !x->upsampled && c + LANES <= p->C;
    const float *base = x->x + c;
    size_t channels = (size_t)p->C;
    for (int i = 0; i < m + 2; i++) {
        float *line = copy + i * LINE;
        r->row[i] = !r->inside[i] ? zero_lanes : whole ? base + r->pixel[i] * channels : line;
        r->step[i] = !r->inside[i] ? 0 : whole ? channels : LANES;
        if (r->inside[i] && !whole)
            for (int q = r->first; q < r->last; q++, line += LANES)
                lanes_store(line, input_pixel(p, x, r->n, r->top + i, r->left + q, c), LANES);
    }
}

/* Prefetches the line `floats` after p, which need not exist. */
LANES_INLINE void fetch_ahead(const float *p, size_t floats)
{
    __builtin_prefetch((const void *)((uintptr_t)p + floats * sizeof *p), 0, 3);
}

/* Zeros in the columns of a line that lie outside the image. */
LANES_INLINE void clear_outside(const InputRows *r, float *line)
{
    for (int q = 0; q < r->first; q++) lanes_store(line + q * LANES, (Lanes){0}, LANES);
    for (int q = r->last; q < r->columns; q++) lanes_store(line + q * LANES, (Lanes){0}, LANES);
}

/* Down the columns of a segment, each once though tiles overlap by two; of the outputs only rows
 * row .. row+rows-1 are kept, and the operations of the others go. */
LANES_INLINE void input_columns(InputRows *r, float *lines, const int m, const int row,
                                const int rows)
{
    for (int q = r->first; q < r->last; q++) {
        Lanes d[MOST_POINTS], o[MOST_POINTS];
        for (int i = 0; i < m + 2; i++) {
            d[i] = lanes_load(r->row[i], LANES);
            fetch_ahead(r->row[i], 2 * LINE_FLOATS); /* read two vectors of channels later */
            r->row[i] += r->step[i];
        }
        input_points(m, d, o);
        for (int i = 0; i < rows; i++) lanes_store(lines + i * LINE + q * LANES, o[row + i], LANES);
    }
}

/* V of one segment, for vectors first .. last-1 of its channels, of those rows of frequencies. */
LANES_INLINE void input_transform(const WinogradPlan *p, float *v, const WinogradInput *x,
                                  int segment, int first, int last, int at, const int m,
                                  const int row, const int rows)
{
    _Alignas(64) float copy[MOST_POINTS * LINE], lines[MOST_POINTS * LINE];
    const int n = m + 2;
    const size_t plane = p->v_plane, tile = p->v_tile;
    WinogradSegment s = winograd_segment(p, segment);
    InputRows r = input_rows(p, s, m);
    for (int i = 0; i < rows; i++) clear_outside(&r, lines + i * LINE);
    for (int c = first; c < last; c++) {
        input_rows_at(p, x, &r, m, c, copy);
        input_columns(&r, lines, m, row, rows);
        float *to_row = v + (size_t)c * p->v_vector + (size_t)at * tile;
        for (int i = 0; i < rows; i++, to_row += (size_t)n * plane) {
            const float *line = lines + i * LINE;
            float *to = to_row;
            for (int t = 0; t < s.tiles; t++, line += m * LANES, to += tile) {
                Lanes d[MOST_POINTS], o[MOST_POINTS];
                for (int j = 0; j < n; j++) d[j] = lanes_load(line + j * LANES, LANES);
                input_points(m, d, o);
                for (int j = 0; j < n; j++) lanes_store(to + (size_t)j * plane, o[j], LANES);
            }
        }
    }
}

#endif
