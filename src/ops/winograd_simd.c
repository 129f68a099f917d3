/* Winograd convolution at one instruction set: weights, input transform, products. F(4,3) and F(2,3)
 * are the same code with m constant. */
#include "winograd_points.h"

/* ---- Weights ---- */

/* The 3x3 weights of one input channel and a vector of output channels from k on. */
LANES_INLINE void read_weights(const WinogradPlan *p, const float *w, int c, int k, Lanes *g)
{
    int left = p->K - k < LANES ? p->K - k : LANES;
    for (int i = 0; i < 9; i++)
        g[i] =
            lanes_load(w + ((size_t)i * (size_t)p->C + (size_t)c) * (size_t)p->K + k, (size_t)left);
}

/* The same for the data gradient: w is [3,3,K,C] in the plan's letters, read turned by 180 degrees
 * and transposed. */
LANES_INLINE void read_turned(const WinogradPlan *p, const float *w, int c, int k, Lanes *g)
{
    int left = p->K - k < LANES ? p->K - k : LANES;
    for (int i = 0; i < 9; i++) {
        const float *from = w + ((size_t)(8 - i) * (size_t)p->K + (size_t)k) * (size_t)p->C + c;
        g[i] = lanes_set(0);
        for (int j = 0; j < left; j++) g[i][j] = from[(size_t)j * (size_t)p->C];
    }
}

LANES_INLINE void prepare_tile(const WinogradPlan *p, float *u, const float *w, bool transposed,
                               int panel, int c_vector, int m)
{
    int n = m + 2, vectors = winograd_panel_vectors(p, panel), width = vectors * LANES;
    size_t plane = (size_t)(p->c_vectors * LANES) * (size_t)width;
    u += winograd_panel_offset(p, panel, n * n);
    for (int l = 0; l < LANES; l++) {
        int c = c_vector * LANES + l;
        for (int j = 0; j < vectors; j++) {
            Lanes g[9] = {0}, rows[3][MOST_POINTS];
            int k = (panel * PANEL_VECTORS + j) * LANES;
            if (c < p->C && transposed)
                read_turned(p, w, c, k, g);
            else if (c < p->C)
                read_weights(p, w, c, k, g);
            float *to = u + (size_t)c * (size_t)width + j * LANES;
            for (int s = 0; s < 3; s++) {
                Lanes column[3] = {g[s], g[3 + s], g[6 + s]};
                weight_points(m, column, rows[s]);
            }
            for (int r = 0; r < n; r++) {
                Lanes row[3] = {rows[0][r], rows[1][r], rows[2][r]}, o[MOST_POINTS];
                weight_points(m, row, o);
                for (int s = 0; s < n; s++, to += plane) lanes_store(to, o[s], LANES);
            }
        }
    }
}

static void prepare(const WinogradPlan *p, float *u, const float *w, bool transposed, int panel,
                    int c_vector)
{
    if (p->tile == 4)
        prepare_tile(p, u, w, transposed, panel, c_vector, 4);
    else
        prepare_tile(p, u, w, transposed, panel, c_vector, 2);
}

/* ---- Input transform ---- */

enum { LINE = SEGMENT_COLUMNS * LANES };

/* Down the columns of the whole segment: each once, though tiles overlap by two. */
LANES_INLINE void input_columns(InputRows *r, float *lines, int m)
{
    for (int q = r->first; q < r->last; q++) {
        Lanes d[MOST_POINTS], o[MOST_POINTS];
        for (int i = 0; i < m + 2; i++) {
            d[i] = lanes_load(r->row[i], LANES);
            __builtin_prefetch(r->row[i] + 2 * LINE_FLOATS);
            r->row[i] += r->step[i];
        }
        input_points(m, d, o);
        for (int i = 0; i < m + 2; i++) lanes_store(lines + i * LINE + q * LANES, o[i], LANES);
    }
}

LANES_INLINE void input_tile(const WinogradPlan *p, float *v, const WinogradInput *x, int segment,
                             int first, int last, int at, int m)
{
    _Alignas(64) float copy[MOST_POINTS * LINE], lines[MOST_POINTS * LINE];
    const int n = m + 2;
    const size_t plane = p->v_plane;
    WinogradSegment s = winograd_segment(p, segment);
    InputRows r = input_rows(p, s, m);
    for (int i = 0; i < n; i++) clear_outside(&r, lines + i * LINE);
    for (int c = first; c < last; c++) {
        input_rows_at(p, x, &r, m, c, copy);
        input_columns(&r, lines, m);
        float *row = v + ((size_t)c * (size_t)p->block_tiles + (size_t)at) * LANES;
        for (int i = 0; i < n; i++, row += (size_t)n * plane) {
            const float *line = lines + i * LINE;
            float *to = row;
            for (int t = 0; t < s.tiles; t++, line += m * LANES, to += LANES) {
                Lanes d[MOST_POINTS], o[MOST_POINTS];
                for (int j = 0; j < n; j++) d[j] = lanes_load(line + j * LANES, LANES);
                input_points(m, d, o);
                for (int j = 0; j < n; j++) lanes_store(to + (size_t)j * plane, o[j], LANES);
            }
        }
    }
}

static void input(const WinogradPlan *p, float *v, const WinogradInput *x, int segment, int first,
                  int last, int at)
{
    if (p->tile == 4)
        input_tile(p, v, x, segment, first, last, at, 4);
    else
        input_tile(p, v, x, segment, first, last, at, 2);
}

/* ---- Products ---- */

/* As many rows as leave registers for two vectors of U and one broadcast value. */
#if LANES == 16
#define ROWS 14
#elif defined(__aarch64__)
#define ROWS 12
#else
#define ROWS 6
#endif

/* m[i][j] (+)= sum over channels of v[i] u[j], i < rows tiles, j < vectors of output channels: one
 * running sum per element in the order of the channels, whatever `rows` is. `steps` vectors of
 * channels, v_step floats apart; m_step between the vectors of m. One line per channel from `next`
 * on is fetched for later. */
LANES_INLINE void product(const int rows, const int vectors, int steps, const float *v,
                          size_t v_step, const float *u, const float *next, float *m, size_t m_step,
                          bool add)
{
    Lanes sum[ROWS][PANEL_VECTORS];
    UNROLL
    for (int i = 0; i < rows; i++) UNROLL
    for (int j = 0; j < vectors; j++)
        sum[i][j] = add ? lanes_load(m + (size_t)j * m_step + i * LANES, LANES) : (Lanes){0};
    for (int s = 0; s < steps; s++, v += v_step) {
        for (int l = 0; l < LANES; l++, u += vectors * LANES) {
            Lanes b[PANEL_VECTORS];
            UNROLL
            for (int j = 0; j < vectors; j++) b[j] = lanes_load(u + j * LANES, LANES);
            __builtin_prefetch(next);
            next += LINE_FLOATS;
            UNROLL
            for (int i = 0; i < rows; i++) {
                Lanes a = lanes_set(v[i * LANES + l]);
                UNROLL
                for (int j = 0; j < vectors; j++) sum[i][j] += a * b[j];
            }
        }
    }
    UNROLL
    for (int i = 0; i < rows; i++) UNROLL
    for (int j = 0; j < vectors; j++)
        lanes_store(m + (size_t)j * m_step + i * LANES, sum[i][j], LANES);
}

typedef void (*Product)(int steps, const float *v, size_t v_step, const float *u, const float *next,
                        float *m, size_t m_step, bool add);
#define PRODUCT(R)                                                                                 \
    static void product_##R##_1(int steps, const float *v, size_t v_step, const float *u,          \
                                const float *next, float *m, size_t m_step, bool add)              \
    {                                                                                              \
        product(R, 1, steps, v, v_step, u, next, m, m_step, add);                                  \
    }                                                                                              \
    static void product_##R##_2(int steps, const float *v, size_t v_step, const float *u,          \
                                const float *next, float *m, size_t m_step, bool add)              \
    {                                                                                              \
        product(R, 2, steps, v, v_step, u, next, m, m_step, add);                                  \
    }
#define ENTRY(R)                                                                                   \
    {                                                                                              \
        product_##R##_1, product_##R##_2                                                           \
    }
PRODUCT(1)
PRODUCT(2)
PRODUCT(3)
PRODUCT(4)
PRODUCT(5)
PRODUCT(6)
#if ROWS > 6
PRODUCT(7)
PRODUCT(8)
PRODUCT(9) PRODUCT(10) PRODUCT(11) PRODUCT(12)
#endif
#if ROWS > 12
    PRODUCT(13) PRODUCT(14)
#endif
        static const Product products[ROWS][PANEL_VECTORS] = {
            ENTRY(1),  ENTRY(2),  ENTRY(3), ENTRY(4),  ENTRY(5),  ENTRY(6),
#if ROWS > 6
            ENTRY(7),  ENTRY(8),  ENTRY(9), ENTRY(10), ENTRY(11), ENTRY(12),
#endif
#if ROWS > 12
            ENTRY(13), ENTRY(14),
#endif
};

/* A stretch of channels whose part of U is 16 KiB stays in L1 while the tiles pass over it, and the
 * following 16 KiB are fetched meanwhile. */
enum { STRETCH = 4096 / (PANEL_VECTORS * LANES * LANES) };

static void multiply(const WinogradPlan *p, float *m, const float *v, const float *u, int panel,
                     int tiles)
{
    int vectors = winograd_panel_vectors(p, panel), groups = (tiles + ROWS - 1) / ROWS;
    size_t step = (size_t)p->block_tiles * LANES;
    u += winograd_panel_offset(p, panel, p->points * p->points);
    for (int f = 0; f < p->points * p->points; f++, v += p->v_plane, m += p->m_plane) {
        for (int s = 0; s < p->c_vectors; s += STRETCH) {
            int steps = p->c_vectors - s < STRETCH ? p->c_vectors - s : STRETCH;
            int size = steps * LANES * vectors * LANES, lines = 0;
            for (int g = 0, row = 0; g < groups; g++) {
                int rows = tiles / groups + (g < tiles % groups);
                const float *next = u + (lines < size ? size + lines : 0);
                products[rows - 1][vectors - 1](steps, v + (size_t)s * step + row * LANES, step, u,
                                                next, m + row * LANES, step, s > 0);
                row += rows, lines += steps * LANES * LINE_FLOATS;
            }
            u += size;
        }
    }
}

#define TABLE_NAME_(level) winograd_table_##level
#define TABLE_NAME(level)  TABLE_NAME_(level)
const WinogradTable TABLE_NAME(SIMD_LEVEL) = {
    .lanes = LANES,
    .prepare = prepare,
    .input = input,
    .multiply = multiply,
};
