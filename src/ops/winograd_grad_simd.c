/* The weight gradient of the Winograd convolution at one instruction set. One row i of frequencies
 * (i, 0 .. m+1) needs of the vertical transforms only their i-th output, so rows are independent
 * units of work that share nothing but x and dy. */
#include "winograd_points.h"

enum { GRAD_ROWS = LANES == 16 ? 8 : 4 }; /* channels of x in registers; divides LANES */

/* ---- Transforms of one row ---- */

/* The i-th output of input_points, gradient_points: constant i leaves only its own operations. */
LANES_INLINE Lanes input_point(int m, int i, const Lanes *d)
{
    Lanes o[MOST_POINTS];
    input_points(m, d, o);
    return o[i];
}

LANES_INLINE Lanes gradient_point(int m, int i, const Lanes *d)
{
    Lanes o[MOST_POINTS];
    gradient_points(m, d, o);
    return o[i];
}

LANES_INLINE void input_columns(InputRows *r, float *line, int m, int i)
{
    for (int q = r->first; q < r->last; q++) {
        Lanes d[MOST_POINTS];
        for (int h = 0; h < m + 2; h++) {
            d[h] = lanes_load(r->row[h], LANES);
            r->row[h] += r->step[h];
        }
        lanes_store(line + q * LANES, input_point(m, i, d), LANES);
    }
}

LANES_INLINE void input_row_tile(const WinogradPlan *p, float *v, const WinogradInput *x, int row,
                                 int segment, int first, int last, int at, int m)
{
    _Alignas(64) float copy[MOST_POINTS * SEGMENT_COLUMNS * LANES], line[SEGMENT_COLUMNS * LANES];
    WinogradSegment s = winograd_segment(p, segment);
    InputRows r = input_rows(p, s, m);
    clear_outside(&r, line);
    for (int c = first; c < last; c++) {
        input_rows_at(p, x, &r, m, c, copy);
        switch (row) {
        case 0:
            input_columns(&r, line, m, 0);
            break;
        case 1:
            input_columns(&r, line, m, 1);
            break;
        case 2:
            input_columns(&r, line, m, 2);
            break;
        case 3:
            input_columns(&r, line, m, 3);
            break;
        case 4:
            input_columns(&r, line, m, m == 4 ? 4 : 0);
            break;
        default:
            input_columns(&r, line, m, m == 4 ? 5 : 0);
            break;
        }
        float *to = v + ((size_t)c * (size_t)p->block_tiles + (size_t)at) * LANES;
        for (int t = 0; t < s.tiles; t++, to += LANES) {
            Lanes d[MOST_POINTS], o[MOST_POINTS];
            for (int j = 0; j < m + 2; j++) d[j] = lanes_load(line + (t * m + j) * LANES, LANES);
            input_points(m, d, o);
            for (int j = 0; j < m + 2; j++) lanes_store(to + (size_t)j * p->v_plane, o[j], LANES);
        }
    }
}

static void input_row(const WinogradPlan *p, float *v, const WinogradInput *x, int row, int segment,
                      int first, int last, int at)
{
    if (p->tile == 4)
        input_row_tile(p, v, x, row, segment, first, last, at, 4);
    else
        input_row_tile(p, v, x, row, segment, first, last, at, 2);
}

/* The rows of dy under one segment; those below the image are zero. */
typedef struct {
    const float *row[4];
    size_t step[4];
} GradRows;

LANES_INLINE void gradient_columns(const GradRows *r, float *line, int columns, size_t lanes, int m,
                                   int i)
{
    for (int q = 0; q < columns; q++) {
        Lanes d[4];
        for (int h = 0; h < m; h++) d[h] = lanes_load(r->row[h] + (size_t)q * r->step[h], lanes);
        lanes_store(line + q * LANES, gradient_point(m, i, d), LANES);
    }
}

LANES_INLINE void gradient_row(const GradRows *r, float *line, int columns, size_t lanes, int m,
                               int row)
{
    switch (row) {
    case 0:
        gradient_columns(r, line, columns, lanes, m, 0);
        break;
    case 1:
        gradient_columns(r, line, columns, lanes, m, 1);
        break;
    case 2:
        gradient_columns(r, line, columns, lanes, m, 2);
        break;
    case 3:
        gradient_columns(r, line, columns, lanes, m, 3);
        break;
    case 4:
        gradient_columns(r, line, columns, lanes, m, m == 4 ? 4 : 0);
        break;
    default:
        gradient_columns(r, line, columns, lanes, m, m == 4 ? 5 : 0);
        break;
    }
}

LANES_INLINE void output_row_tile(const WinogradPlan *p, float *to, const float *dy, int row,
                                  int segment, int first, int last, int at, int m)
{
    _Alignas(64) float line[SEGMENT_COLUMNS * LANES];
    WinogradSegment s = winograd_segment(p, segment);
    int h = s.row * m, w = s.column * m;
    int columns = p->W - w < s.tiles * m ? p->W - w : s.tiles * m;
    size_t image = (size_t)s.n * (size_t)p->H;
    for (int q = columns; q < s.tiles * m; q++) lanes_store(line + q * LANES, (Lanes){0}, LANES);
    for (int v = first; v < last; v++) {
        int k = v * LANES;
        GradRows r;
        for (int i = 0; i < m; i++) {
            size_t pixel = (image + (size_t)(h + i)) * (size_t)p->W + (size_t)w;
            bool inside = h + i < p->H;
            r.row[i] = inside ? dy + pixel * (size_t)p->K + k : zero_lanes;
            r.step[i] = inside ? (size_t)p->K : 0;
        }
        if (p->K - k >= LANES)
            gradient_row(&r, line, columns, LANES, m, row);
        else
            gradient_row(&r, line, columns, (size_t)(p->K - k), m, row);
        float *d_row = to + ((size_t)v * (size_t)p->block_tiles + (size_t)at) * LANES;
        for (int t = 0; t < s.tiles; t++, d_row += LANES) {
            Lanes d[4], o[MOST_POINTS];
            for (int j = 0; j < m; j++) d[j] = lanes_load(line + (t * m + j) * LANES, LANES);
            gradient_points(m, d, o);
            for (int j = 0; j < m + 2; j++)
                lanes_store(d_row + (size_t)j * p->m_plane, o[j], LANES);
        }
    }
}

static void output_row(const WinogradPlan *p, float *d, const float *dy, int row, int segment,
                       int first, int last, int at)
{
    if (p->tile == 4)
        output_row_tile(p, d, dy, row, segment, first, last, at, 4);
    else
        output_row_tile(p, d, dy, row, segment, first, last, at, 2);
}

/* ---- Products ---- */

/* du[i][j] (+)= sum over tiles of v[t][i] d[j][t]. */
LANES_INLINE void outer_product(const int vectors, int tiles, const float *v, const float *d,
                                size_t d_step, float *du, bool add)
{
    Lanes sum[GRAD_ROWS][PANEL_VECTORS];
    UNROLL
    for (int i = 0; i < GRAD_ROWS; i++) UNROLL
    for (int j = 0; j < vectors; j++)
        sum[i][j] = add ? lanes_load(du + (i * vectors + j) * LANES, LANES) : (Lanes){0};
#pragma GCC unroll 2
    for (int t = 0; t < tiles; t++, v += LANES, d += LANES) {
        Lanes b[PANEL_VECTORS];
        UNROLL
        for (int j = 0; j < vectors; j++) b[j] = lanes_load(d + (size_t)j * d_step, LANES);
        UNROLL
        for (int i = 0; i < GRAD_ROWS; i++) {
            Lanes a = lanes_set(v[i]);
            UNROLL
            for (int j = 0; j < vectors; j++) sum[i][j] += a * b[j];
        }
    }
    UNROLL
    for (int i = 0; i < GRAD_ROWS; i++) UNROLL
    for (int j = 0; j < vectors; j++) lanes_store(du + (i * vectors + j) * LANES, sum[i][j], LANES);
}

static void accumulate(const WinogradPlan *p, float *du, const float *v, const float *d, int row,
                       int panel, int tiles, bool add)
{
    int vectors = winograd_panel_vectors(p, panel), width = vectors * LANES;
    size_t step = (size_t)p->block_tiles * LANES, plane = (size_t)(p->c_vectors * LANES * width);
    du += winograd_panel_offset(p, panel) + (size_t)(row * p->points) * plane;
    d += (size_t)(panel * PANEL_VECTORS) * step;
    for (int j = 0; j < p->points; j++, v += p->v_plane, d += p->m_plane)
        for (int c = 0; c < p->c_vectors * LANES; c += GRAD_ROWS, du += GRAD_ROWS * width) {
            const float *from = v + (size_t)(c / LANES) * step + c % LANES;
            if (vectors == 2)
                outer_product(2, tiles, from, d, step, du, add);
            else
                outer_product(1, tiles, from, d, step, du, add);
        }
}

/* ---- Back to 3x3 ---- */

LANES_INLINE void finish_tile(const WinogradPlan *p, float *dw, const float *du, int panel,
                              int c_vector, int m)
{
    int n = m + 2, vectors = winograd_panel_vectors(p, panel), width = vectors * LANES;
    size_t plane = (size_t)(p->c_vectors * LANES * width);
    du += winograd_panel_offset(p, panel);
    for (int c = c_vector * LANES; c < p->C && c < (c_vector + 1) * LANES; c++)
        for (int j = 0; j < vectors; j++) {
            int k = (panel * PANEL_VECTORS + j) * LANES;
            int count = p->K - k < LANES ? p->K - k : LANES;
            const float *from = du + c * width + j * LANES;
            Lanes rows[MOST_POINTS][3];
            for (int r = 0; r < n; r++) {
                Lanes d[MOST_POINTS];
                for (int s = 0; s < n; s++, from += plane) d[s] = lanes_load(from, LANES);
                weight_points_transposed(m, d, rows[r]);
            }
            for (int s = 0; s < 3; s++) {
                Lanes d[MOST_POINTS], o[3];
                for (int r = 0; r < n; r++) d[r] = rows[r][s];
                weight_points_transposed(m, d, o);
                for (int r = 0; r < 3; r++) {
                    float *to =
                        dw + ((size_t)(r * 3 + s) * (size_t)p->C + (size_t)c) * (size_t)p->K + k;
                    lanes_store(to, lanes_load(to, (size_t)count) + o[r], (size_t)count);
                }
            }
        }
}

static void finish(const WinogradPlan *p, float *dw, const float *du, int panel, int c_vector)
{
    if (p->tile == 4)
        finish_tile(p, dw, du, panel, c_vector, 4);
    else
        finish_tile(p, dw, du, panel, c_vector, 2);
}

#define TABLE_NAME_(level) winograd_grad_table_##level
#define TABLE_NAME(level)  TABLE_NAME_(level)
const WinogradGradTable TABLE_NAME(SIMD_LEVEL) = {
    .input_row = input_row,
    .output_row = output_row,
    .accumulate = accumulate,
    .finish = finish,
};
