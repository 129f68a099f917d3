/* The one-dimensional transforms of Winograd's F(m,3), m = 4 or 2, on vectors, and the reading of
 * tiles. Only winograd*_simd.c include this. */
#ifndef DIFFC_OPS_WINOGRAD_POINTS_H
#define DIFFC_OPS_WINOGRAD_POINTS_H

#include "math/vec_simd.h"
#include "ops/winograd_table.h"

#define SQRT_HALF 0.70710678118654752f /* a = 1/sqrt 2 */
#define SQRT_TWO  1.41421356237309505f /* b = 2 a, and a b = 1 */

enum { LINE_FLOATS = 16 }; /* a cache line */

/* Whether the products fetch the transforms' memory into L2: 2 to 9 % faster at this width (Zen 3), no faster with
 * vectors of 16. */
enum { WINOGRAD_FETCHES = LANES == 8 };

enum { MOST_POINTS = 6 };

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

/* Images [n][H][W][channels], or those whose pixels doubled are that. */
typedef struct {
    const float *x;
    int H, W;
    bool upsampled;
    size_t channels;
} WinogradImage;

/* Where the pixels of a tile are read: pixel (i, q) is `from` + i row + q pixel. */
typedef struct {
    const float *from;
    size_t row, pixel;
} TilePixels;

/* Prefetches the line `floats` after p, which need not exist. */
LANES_INLINE void fetch_ahead(const float *p, size_t floats)
{
    __builtin_prefetch((const void *)((uintptr_t)p + floats * sizeof *p), 0, 3);
}

/* Whether the vector of channels from c on is the first of its line: the others need fetch nothing. */
LANES_INLINE bool begins_line(int c)
{
    return LANES == LINE_FLOATS || c % LINE_FLOATS == 0;
}

/* Fetches the tile's pixels, but for the first columns, of the vector of channels two lines on. */
LANES_INLINE void fetch_pixels(TilePixels x, const int side, const int first)
{
    const float *from = x.from + 2 * LINE_FLOATS;
    LANES_UNROLL
    for (int i = 0; i < side; i++, from += x.row) {
        KEEP_IN_REGISTER(from);
        LANES_UNROLL
        for (int q = first; q < side; q++) fetch_ahead(from, (size_t)q * x.pixel);
    }
}

/* The tile's pixels from (top, left) of image n on, `side` a side, zero outside the image and in the lanes from
 * `count` on: in `patch`, for tiles that x does not hold as they are. */
LANES_INLINE TilePixels copy_pixels(float *patch, const WinogradImage *x, int n, int top, int left,
                                    int c, const int side, size_t count)
{
    int up = x->upsampled, W = x->W;
    bool fetches = begins_line(c);
    size_t at[MOST_POINTS];
    LanesBits inside[MOST_POINTS];
    LANES_UNROLL
    for (int q = 0; q < side; q++) {
        int w = left + q, nearest = w < 0 ? 0 : w < W ? w : W - 1;
        at[q] = (size_t)(nearest >> up) * x->channels;
        inside[q] = (LanesBits){0} - (uint32_t)(w == nearest);
    }
    float *to = patch;
    for (int h = top; h < top + side; h++, to += side * LANES) {
        if (h < 0 || h >= x->H) {
            LANES_UNROLL
            for (int q = 0; q < side; q++) lanes_store(to + q * LANES, (Lanes){0}, LANES);
            continue;
        }
        size_t line = ((size_t)n * (size_t)(x->H >> up) + (size_t)(h >> up)) * (size_t)(W >> up);
        const float *from = x->x + line * x->channels + c;
        LANES_UNROLL
        for (int q = 0; q < side; q++) {
            LanesBits v = (LanesBits)lanes_load(from + at[q], count) & inside[q];
            lanes_store(to + q * LANES, (Lanes)v, LANES);
        }
        if (!fetches) continue;
        LANES_UNROLL
        for (int q = 0; q < side; q++) fetch_ahead(from, at[q] + 2 * LINE_FLOATS);
    }
    return (TilePixels){patch, (size_t)(side * LANES), LANES};
}

/* The tile's pixels for one vector of channels from c on. The same of the vector two lines on are fetched, but for the
 * columns that the tile before has fetched. */
LANES_INLINE TilePixels tile_pixels(float *patch, const WinogradImage *x, int n, int top, int left,
                                    int c, const int side, const int fetched)
{
    bool whole = c + LANES <= (int)x->channels;
    bool inside = top >= 0 && left >= 0 && top + side <= x->H && left + side <= x->W;
    if (whole && inside && !x->upsampled) {
        size_t at = ((size_t)n * (size_t)x->H + (size_t)top) * (size_t)x->W + (size_t)left;
        TilePixels pixels = {x->x + at * x->channels + c, (size_t)x->W * x->channels, x->channels};
        if (begins_line(c)) fetch_pixels(pixels, side, fetched);
        return pixels;
    }
    if (whole) return copy_pixels(patch, x, n, top, left, c, side, LANES);
    return copy_pixels(patch, x, n, top, left, c, side, x->channels - (size_t)c);
}

/* Stores to V or D. Where a vector is a line, that of the next tile is fetched: a store that waits for its line holds up
 * all that follow it. */
LANES_INLINE void store_point(float *to, Lanes v)
{
    lanes_store(to, v, LANES);
    if (LANES == LINE_FLOATS) fetch_ahead(to, LANES);
}

/* V of one tile: rows row .. row+rows-1 of its frequencies, `plane` floats from one frequency to the next. Down the
 * columns, then along the rows; what the rows do not need falls away. */
LANES_INLINE void input_tile(float *to, size_t plane, TilePixels x, const int m, const int row,
                             const int rows)
{
    const int n = m + 2;
    Lanes lines[MOST_POINTS / 2][MOST_POINTS];
    LANES_UNROLL
    for (int q = 0; q < n; q++, x.from += x.pixel) {
        Lanes d[MOST_POINTS], o[MOST_POINTS];
        KEEP_IN_REGISTER(x.from);
        LANES_UNROLL
        for (int i = 0; i < n; i++) d[i] = lanes_load(x.from + (size_t)i * x.row, LANES);
        input_points(m, d, o);
        LANES_UNROLL
        for (int i = 0; i < rows; i++) lines[i][q] = o[row + i];
    }
    LANES_UNROLL
    for (int i = 0; i < rows; i++, to += (size_t)n * plane) {
        Lanes o[MOST_POINTS];
        input_points(m, lines[i], o);
        KEEP_IN_REGISTER(to);
        LANES_UNROLL
        for (int j = 0; j < n; j++) store_point(to + (size_t)j * plane, o[j]);
    }
}

enum { HALF_UPPER = 1, HALF_LOWER = 2, HALVES = 3 };

/* V of one segment, for vectors first .. last-1 of its channels: both halves of its frequencies, or one alone. */
LANES_INLINE void input_transform(const WinogradPlan *p, float *v, const WinogradInput *x,
                                  int segment, int first, int last, int at, const int m,
                                  const int halves)
{
    _Alignas(64) float patch[MOST_POINTS * MOST_POINTS * LANES];
    const int n = m + 2, rows = n / 2;
    const size_t plane = p->v_plane, half = (size_t)(rows * n) * plane;
    WinogradImage image = {x->x, p->in_H, p->in_W, x->upsampled, (size_t)p->C};
    WinogradSegment s = winograd_segment(p, segment);
    int top = s.row * m - p->pad, left = s.column * m - p->pad;
    for (int c = first; c < last; c++) {
        float *to = v + (size_t)c * p->v_vector + (size_t)at * p->v_tile;
        for (int t = 0; t < s.tiles; t++, to += p->v_tile) {
            TilePixels pixels = tile_pixels(patch, &image, s.n, top, left + t * m, c * LANES, n, 2);
            if (halves & HALF_UPPER) input_tile(to, plane, pixels, m, 0, rows);
            if (halves & HALF_LOWER)
                input_tile(to + (halves == HALVES ? half : 0), plane, pixels, m, rows, rows);
        }
    }
}

#endif
