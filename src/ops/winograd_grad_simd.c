/* The weight gradient of the Winograd convolution at one instruction set. Row i of the frequencies
 * (i, 0 .. m+1) needs only the i-th output of the transforms down the columns, so the two halves of
 * the rows are independent units of work that share nothing but x and dy. */
#include "ops/winograd_points.h"

enum { GRAD_ROWS = LANES == 16 ? 8 : 4 }; /* channels of x in registers; divides LANES */

/* ---- Transforms ---- */

LANES_INLINE void input_half(const WinogradPlan *p, float *v, const WinogradInput *x, int half,
                             int segment, int first, int last, int at, const int m)
{
    if (half == 0)
        input_transform(p, v, x, segment, first, last, at, m, HALF_UPPER);
    else
        input_transform(p, v, x, segment, first, last, at, m, HALF_LOWER);
}

static void transform_input(const WinogradPlan *p, float *v, const WinogradInput *x, int half,
                            int segment, int first, int last, int at)
{
    WITH_TILE(p, input_half(p, v, x, half, segment, first, last, at, TILE));
}

/* Half of the frequencies of a tile of dy. */
LANES_INLINE void gradient_tile(float *to, size_t plane, TilePixels x, const int m, const int row)
{
    const int n = m + 2, rows = n / 2;
    Lanes lines[MOST_POINTS / 2][4];
    LANES_UNROLL
    for (int q = 0; q < m; q++, x.from += x.pixel) {
        Lanes d[4], o[MOST_POINTS];
        KEEP_IN_REGISTER(x.from);
        LANES_UNROLL
        for (int i = 0; i < m; i++) d[i] = lanes_load(x.from + (size_t)i * x.row, LANES);
        gradient_points(m, d, o);
        LANES_UNROLL
        for (int i = 0; i < rows; i++) lines[i][q] = o[row + i];
    }
    LANES_UNROLL
    for (int i = 0; i < rows; i++, to += (size_t)n * plane) {
        Lanes o[MOST_POINTS];
        gradient_points(m, lines[i], o);
        KEEP_IN_REGISTER(to);
        LANES_UNROLL
        for (int j = 0; j < n; j++) store_point(to + (size_t)j * plane, o[j]);
    }
}

LANES_INLINE void gradient_half(const WinogradPlan *p, float *d, const float *dy, int half,
                                int segment, int first, int last, int at, const int m)
{
    _Alignas(64) float patch[4 * 4 * LANES];
    WinogradImage image = {dy, p->H, p->W, false, (size_t)p->K};
    WinogradSegment s = winograd_segment(p, segment);
    for (int v = first; v < last; v++) {
        float *to = d + (size_t)v * p->m_vector + (size_t)at * p->m_tile;
        for (int t = 0; t < s.tiles; t++, to += p->m_tile) {
            TilePixels pixels =
                tile_pixels(patch, &image, s.n, s.row * m, (s.column + t) * m, v * LANES, m, 0);
            if (half == 0)
                gradient_tile(to, p->m_plane, pixels, m, 0);
            else
                gradient_tile(to, p->m_plane, pixels, m, m / 2 + 1);
        }
    }
}

static void transform_gradient(const WinogradPlan *p, float *d, const float *dy, int half,
                               int segment, int first, int last, int at)
{
    WITH_TILE(p, gradient_half(p, d, dy, half, segment, first, last, at, TILE));
}

/* ---- Products ---- */

/* to[i][j] = from[i][j] + sum over tiles of v[t][i] d[j][t]; from NULL: zero. */
LANES_INLINE void outer_product(const int vectors, int tiles, const float *v, const float *d,
                                size_t d_step, const float *from, float *to)
{
    Lanes sum[GRAD_ROWS][PANEL_VECTORS];
    LANES_UNROLL
    for (int i = 0; i < GRAD_ROWS; i++) {
        LANES_UNROLL
        for (int j = 0; j < vectors; j++)
            sum[i][j] = from ? lanes_load(from + (i * vectors + j) * LANES, LANES) : (Lanes){0};
    }
#pragma GCC unroll 4
    do {
        Lanes b[PANEL_VECTORS];
        LANES_UNROLL
        for (int j = 0; j < vectors; j++) b[j] = lanes_load(d + (size_t)j * d_step, LANES);
        LANES_UNROLL
        for (int i = 0; i < GRAD_ROWS; i++) {
            Lanes a = lanes_set(v[i]);
            LANES_UNROLL
            for (int j = 0; j < vectors; j++) lanes_accumulate(&sum[i][j], a, b[j]);
        }
        v += LANES, d += LANES;
    } while (--tiles > 0);
    LANES_UNROLL
    for (int i = 0; i < GRAD_ROWS; i++) {
        LANES_UNROLL
        for (int j = 0; j < vectors; j++)
            lanes_store(to + (i * vectors + j) * LANES, sum[i][j], LANES);
    }
}

static void outer_product_1(int tiles, const float *v, const float *d, size_t d_step,
                            const float *from, float *to)
{
    outer_product(1, tiles, v, d, d_step, from, to);
}

static void outer_product_2(int tiles, const float *v, const float *d, size_t d_step,
                            const float *from, float *to)
{
    outer_product(2, tiles, v, d, d_step, from, to);
}

static void accumulate(const WinogradPlan *p, float *du, const float *v, const float *d, int panel,
                       int tiles, bool add)
{
    int vectors = winograd_panel_vectors(p, panel), size = GRAD_ROWS * vectors * LANES;
    size_t step = (size_t)p->block_tiles * LANES;
    d += (size_t)(panel * PANEL_VECTORS) * step;
    for (int f = 0; f < p->points / 2 * p->points; f++, v += p->v_plane, d += p->m_plane)
        for (int c = 0; c < p->c_vectors * LANES; c += GRAD_ROWS, du += size) {
            const float *from = v + (size_t)(c / LANES) * step + c % LANES;
            (vectors == 2 ? outer_product_2 : outer_product_1)(tiles, from, d, step,
                                                               add ? du : NULL, du);
        }
}

/* One row of frequencies of dU, `plane` floats from one to the next, times G; to_plane floats between the
 * three results. */
LANES_INLINE void transform_row(float *to, size_t to_plane, const float *from, size_t plane,
                                int floats, const int m)
{
    for (int i = 0; i < floats; i += LANES) {
        Lanes q[MOST_POINTS], o[3];
        LANES_UNROLL
        for (int j = 0; j < m + 2; j++) q[j] = lanes_load(from + (size_t)j * plane + i, LANES);
        weight_points_transposed(m, q, o);
        LANES_UNROLL
        for (int s = 0; s < 3; s++) lanes_store(to + (size_t)s * to_plane + i, o[s], LANES);
    }
}

LANES_INLINE void accumulate_last_tile(const WinogradPlan *p, float *du_g, const float *du,
                                       const float *v, const float *d, int half, int panel,
                                       int tiles, const int m)
{
    _Alignas(64) float sums[MOST_POINTS][GRAD_ROWS * PANEL_VECTORS * LANES];
    const int n = m + 2, rows = n / 2;
    int vectors = winograd_panel_vectors(p, panel), width = vectors * LANES;
    size_t step = (size_t)p->block_tiles * LANES, channels = (size_t)(p->c_vectors * LANES);
    d += (size_t)(panel * PANEL_VECTORS) * step;
    for (int c = 0; c < p->c_vectors * LANES; c += GRAD_ROWS)
        for (int r = 0; r < rows; r++) {
            for (int j = 0; j < n; j++) {
                size_t f = (size_t)(r * n + j);
                const float *from = v + f * p->v_plane + (size_t)(c / LANES) * step + c % LANES;
                const float *before = du ? du + (f * channels + (size_t)c) * (size_t)width : NULL;
                (vectors == 2 ? outer_product_2 : outer_product_1)(tiles, from, d + f * p->m_plane,
                                                                   step, before, sums[j]);
            }
            float *to = du_g + winograd_panel_offset(p, panel, n * 3) +
                        ((size_t)((half * rows + r) * 3) * channels + (size_t)c) * (size_t)width;
            transform_row(to, channels * (size_t)width, sums[0], sizeof sums[0] / sizeof *sums[0],
                          GRAD_ROWS * width, m);
        }
}

static void accumulate_last(const WinogradPlan *p, float *du_g, const float *du, const float *v,
                            const float *d, int half, int panel, int tiles)
{
    WITH_TILE(p, accumulate_last_tile(p, du_g, du, v, d, half, panel, tiles, TILE));
}

static void transform(const WinogradPlan *p, float *du_g, const float *du, int half, int panel)
{
    const int n = p->points, rows = n / 2;
    int floats = p->c_vectors * LANES * winograd_panel_vectors(p, panel) * LANES;
    float *to = du_g + winograd_panel_offset(p, panel, n * 3);
    size_t plane = (size_t)floats;
    for (int r = 0; r < rows; r++, du += (size_t)n * plane) {
        float *row = to + (size_t)((half * rows + r) * 3) * plane;
        if (p->tile == 4)
            transform_row(row, plane, du, plane, floats, 4);
        else
            transform_row(row, plane, du, plane, floats, 2);
    }
}

/* ---- Back to 3x3 ---- */

LANES_INLINE void finish_tile(const WinogradPlan *p, float *dw, const float *du_g, int panel,
                              int c_vector, const int m)
{
    int vectors = winograd_panel_vectors(p, panel), width = vectors * LANES;
    size_t plane = (size_t)(p->c_vectors * LANES * width), C = (size_t)p->C, K = (size_t)p->K;
    du_g += winograd_panel_offset(p, panel, (m + 2) * 3);
    for (int c = c_vector * LANES; c < p->C && c < (c_vector + 1) * LANES; c++)
        for (int j = 0; j < vectors; j++) {
            int k = (panel * p->panel_vectors + j) * LANES;
            size_t count = (size_t)(p->K - k < LANES ? p->K - k : LANES);
            for (int s = 0; s < 3; s++) {
                const float *from = du_g + (size_t)s * plane + c * width + j * LANES;
                Lanes d[MOST_POINTS], o[3];
                LANES_UNROLL
                for (int r = 0; r < m + 2; r++)
                    d[r] = lanes_load(from + (size_t)r * 3 * plane, LANES);
                weight_points_transposed(m, d, o);
                LANES_UNROLL
                for (int r = 0; r < 3; r++) {
                    float *to = dw + ((size_t)(r * 3 + s) * C + (size_t)c) * K + k;
                    lanes_store(to, lanes_load(to, count) + o[r], count);
                }
            }
        }
}

static void finish(const WinogradPlan *p, float *dw, const float *du_g, int panel, int c_vector)
{
    WITH_TILE(p, finish_tile(p, dw, du_g, panel, c_vector, TILE));
}

const WinogradGradTable SIMD_TABLE_HERE(winograd_grad_table) = {
    .input = transform_input,
    .gradient = transform_gradient,
    .accumulate = accumulate,
    .accumulate_last = accumulate_last,
    .transform = transform,
    .finish = finish,
};
