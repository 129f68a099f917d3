/* Winograd convolution at one instruction set: weights, input transform, products, output
 * transform. F(4,3) and F(2,3) are the same code with m constant. */
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
    u += winograd_panel_offset(p, panel);
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

/* Down the columns of the whole segment first, each column once though tiles overlap by two; then
 * along the rows of each tile. */
LANES_INLINE void input_tile(const WinogradPlan *p, float *v, const WinogradInput *x, int segment,
                             int c_vector, int at, int m)
{
    enum { LINE = SEGMENT_COLUMNS * LANES };
    float copy[MOST_POINTS * LINE], lines[MOST_POINTS * LINE];
    const int n = m + 2;
    WinogradSegment s = winograd_segment(p, segment);
    InputRows r;
    input_rows(p, x, s, m, c_vector, copy, &r);
    for (int i = 0; i < n; i++) {
        for (int q = 0; q < r.first; q++)
            lanes_store(lines + i * LINE + q * LANES, (Lanes){0}, LANES);
        for (int q = r.last; q < r.columns; q++)
            lanes_store(lines + i * LINE + q * LANES, (Lanes){0}, LANES);
    }
    for (int q = r.first; q < r.last; q++) {
        Lanes d[MOST_POINTS], o[MOST_POINTS];
        for (int i = 0; i < n; i++) {
            d[i] = lanes_load(r.row[i], LANES);
            r.row[i] += r.step[i];
        }
        input_points(m, d, o);
        for (int i = 0; i < n; i++) lanes_store(lines + i * LINE + q * LANES, o[i], LANES);
    }
    v += ((size_t)c_vector * (size_t)p->block_tiles + (size_t)at) * LANES;
    for (int i = 0; i < n; i++, v += (size_t)n * p->v_plane) {
        const float *line = lines + i * LINE;
        float *to = v;
        for (int t = 0; t < s.tiles; t++, line += m * LANES, to += LANES) {
            Lanes d[MOST_POINTS], o[MOST_POINTS];
            for (int j = 0; j < n; j++) d[j] = lanes_load(line + j * LANES, LANES);
            input_points(m, d, o);
            for (int j = 0; j < n; j++) lanes_store(to + (size_t)j * p->v_plane, o[j], LANES);
        }
    }
}

static void input(const WinogradPlan *p, float *v, const WinogradInput *x, int segment,
                  int c_vector, int at)
{
    if (p->tile == 4)
        input_tile(p, v, x, segment, c_vector, at, 4);
    else
        input_tile(p, v, x, segment, c_vector, at, 2);
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
 * channels, v_step floats apart; rows of m's vectors are m_step apart. */
LANES_INLINE void product(const int rows, const int vectors, int steps, const float *v,
                          size_t v_step, const float *u, float *m, size_t m_step, bool add)
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

typedef void (*Product)(int steps, const float *v, size_t v_step, const float *u, float *m,
                        size_t m_step, bool add);
#define PRODUCT(R)                                                                                 \
    static void product_##R##_1(int steps, const float *v, size_t v_step, const float *u,          \
                                float *m, size_t m_step, bool add)                                 \
    {                                                                                              \
        product(R, 1, steps, v, v_step, u, m, m_step, add);                                        \
    }                                                                                              \
    static void product_##R##_2(int steps, const float *v, size_t v_step, const float *u,          \
                                float *m, size_t m_step, bool add)                                 \
    {                                                                                              \
        product(R, 2, steps, v, v_step, u, m, m_step, add);                                        \
    }
#define ENTRY(R)                                                                                   \
    {                                                                                              \
        product_##R##_1, product_##R##_2                                                           \
    }
PRODUCT(1)
PRODUCT(2)
PRODUCT(3) PRODUCT(4) PRODUCT(5) PRODUCT(6)
#if ROWS > 6
    PRODUCT(7) PRODUCT(8) PRODUCT(9) PRODUCT(10) PRODUCT(11) PRODUCT(12)
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

/* A stretch of channels whose part of U is 16 KiB stays in L1 while the tiles pass over it. */
enum { STRETCH = 4096 / (PANEL_VECTORS * LANES * LANES) };

static void multiply(const WinogradPlan *p, float *m, const float *v, const float *u, int panel,
                     int tiles)
{
    int vectors = winograd_panel_vectors(p, panel), groups = (tiles + ROWS - 1) / ROWS;
    size_t step = (size_t)p->block_tiles * LANES;
    u += winograd_panel_offset(p, panel);
    for (int f = 0; f < p->points * p->points; f++, v += p->v_plane, m += p->m_plane) {
        for (int s = 0; s < p->c_vectors; s += STRETCH) {
            int steps = p->c_vectors - s < STRETCH ? p->c_vectors - s : STRETCH;
            for (int g = 0, row = 0; g < groups; g++) {
                int rows = tiles / groups + (g < tiles % groups);
                products[rows - 1][vectors - 1](steps, v + (size_t)s * step + row * LANES, step, u,
                                                m + row * LANES, step, s > 0);
                row += rows;
            }
            u += steps * LANES * vectors * LANES;
        }
    }
}

/* ---- Output transform ---- */

/* Where the channels of one vector go: at most two pieces. */
typedef struct {
    float *base;
    size_t step; /* floats from pixel to pixel */
    int lane, count;
} Piece;

static int find_pieces(const WinogradPlan *p, const WinogradSink *y, int k, Piece *piece)
{
    int end = k + LANES < p->K ? k + LANES : p->K, n = 0;
    int split = y->channels_a;
    if (k < split && y->a)
        piece[n++] = (Piece){y->a + k, (size_t)split, 0, (end < split ? end : split) - k};
    if (end > split && y->b) {
        int from = k < split ? split : k;
        piece[n++] = (Piece){y->b + (from - split), (size_t)(p->K - split), from - k, end - from};
    }
    return n;
}

static void put_pixel(const Piece *piece, int pieces, size_t pixel, Lanes v, bool add)
{
    for (int i = 0; i < pieces; i++) {
        float *to = piece[i].base + pixel * piece[i].step;
        for (int j = 0; j < piece[i].count; j++) {
            float value = v[piece[i].lane + j];
            to[j] = add ? to[j] + value : value;
        }
    }
}

/* One vector of channels of one segment: the constants of its tiles, and its sums. */
typedef struct {
    const WinogradPlan *p;
    const WinogradSink *y;
    WinogradSegment s;
    int k, pieces, count;
    Piece piece[2];
    Lanes offset;
    double *sum, *squares;
} OutputRun;

/* o = A^T M A of one tile. */
LANES_INLINE void output_tile(const WinogradPlan *p, const float *from, int m, Lanes o[4][4])
{
    Lanes rows[MOST_POINTS][4];
    const int n = m + 2;
    for (int i = 0; i < n; i++) {
        Lanes d[MOST_POINTS];
        for (int j = 0; j < n; j++, from += p->m_plane) d[j] = lanes_load(from, LANES);
        output_points(m, d, rows[i]);
    }
    for (int s = 0; s < m; s++) {
        Lanes d[MOST_POINTS], column[4];
        for (int i = 0; i < n; i++) d[i] = rows[i][s];
        output_points(m, d, column);
        for (int r = 0; r < m; r++) o[r][s] = column[r];
    }
}

/* Adds the rest of the formula to the tile's pixels and writes them. */
LANES_INLINE void finish_tile(const OutputRun *run, int tile, int m, Lanes o[4][4])
{
    const WinogradPlan *p = run->p;
    const WinogradEpilogue *e = &run->y->epilogue;
    int h = run->s.row * m, w = (run->s.column + tile) * m;
    int rows = p->H - h < m ? p->H - h : m, columns = p->W - w < m ? p->W - w : m;
    bool whole = run->pieces == 1 && run->piece[0].count == LANES;
    Lanes sum = {0}, squares = {0};
    for (int r = 0; r < rows; r++) {
        size_t pixel =
            ((size_t)run->s.n * (size_t)p->H + (size_t)(h + r)) * (size_t)p->W + (size_t)w;
        for (int s = 0; s < columns; s++, pixel++) {
            Lanes v = o[r][s] + run->offset;
            if (e->residual)
                v += lanes_load(e->residual + pixel * (size_t)p->K + run->k, (size_t)run->count);
            v *= e->factor;
            sum += v;
            squares += v * v;
            float *to = run->piece[0].base + pixel * run->piece[0].step;
            if (whole)
                lanes_store(to, run->y->add ? lanes_load(to, LANES) + v : v, LANES);
            else
                put_pixel(run->piece, run->pieces, pixel, v, run->y->add);
        }
    }
    if (run->sum) {
        lanes_add_double(run->sum, sum);
        lanes_add_double(run->squares, squares);
    }
}

/* The gradient of nearest upsampling: sums of 2x2 pixels. H and W are even, so none is cut. */
LANES_INLINE void finish_upsampled(const OutputRun *run, int tile, int m, Lanes o[4][4])
{
    const WinogradPlan *p = run->p;
    int h = run->s.row * m, w = (run->s.column + tile) * m;
    for (int r = 0; r < m && h + r < p->H; r += 2)
        for (int s = 0; s < m && w + s < p->W; s += 2) {
            size_t row = (size_t)run->s.n * (size_t)(p->H / 2) + (size_t)((h + r) / 2);
            Lanes v = (o[r][s] + o[r][s + 1]) + (o[r + 1][s] + o[r + 1][s + 1]);
            put_pixel(run->piece, run->pieces, row * (size_t)(p->W / 2) + (size_t)((w + s) / 2), v,
                      run->y->add);
        }
}

LANES_INLINE void output_run(const OutputRun *run, const float *m_, int m)
{
    for (int t = 0; t < run->s.tiles; t++, m_ += LANES) {
        Lanes o[4][4];
        output_tile(run->p, m_, m, o);
        if (run->y->upsampled)
            finish_upsampled(run, t, m, o);
        else
            finish_tile(run, t, m, o);
    }
}

static void output(const WinogradPlan *p, const WinogradSink *y, const float *m, int segment,
                   int panel, int at)
{
    const WinogradEpilogue *e = &y->epilogue;
    int vectors = winograd_panel_vectors(p, panel), width = p->k_vectors * LANES;
    for (int j = 0; j < vectors; j++) {
        OutputRun run = {.p = p, .y = y, .s = winograd_segment(p, segment)};
        run.k = (panel * PANEL_VECTORS + j) * LANES;
        run.count = p->K - run.k < LANES ? p->K - run.k : LANES;
        run.pieces = find_pieces(p, y, run.k, run.piece);
        if (run.pieces == 0) continue;
        run.offset = (Lanes){0};
        if (e->bias) run.offset += lanes_load(e->bias + run.k, (size_t)run.count);
        if (e->shift)
            run.offset +=
                lanes_load(e->shift + (size_t)run.s.n * (size_t)p->K + run.k, (size_t)run.count);
        if (y->partial) {
            run.sum = y->partial + (size_t)segment * 2 * (size_t)width + run.k;
            run.squares = run.sum + width;
            for (int l = 0; l < LANES; l++) run.sum[l] = run.squares[l] = 0;
        }
        const float *from = m + ((size_t)j * (size_t)p->block_tiles + (size_t)at) * LANES;
        if (p->tile == 4)
            output_run(&run, from, 4);
        else
            output_run(&run, from, 2);
    }
}

#define TABLE_NAME_(level) winograd_table_##level
#define TABLE_NAME(level)  TABLE_NAME_(level)
const WinogradTable TABLE_NAME(SIMD_LEVEL) = {
    .lanes = LANES,
    .prepare = prepare,
    .input = input,
    .multiply = multiply,
    .output = output,
};
