/* The output transform of the Winograd convolution at one instruction set, with everything that
 * follows the convolution: bias, time embedding, residual, factor, sums for the next GroupNorm. */
#include "ops/winograd_points.h"

/* The destinations of the channels of one vector: at most two pieces. */
typedef struct {
    float *base;
    size_t step; /* floats from pixel to pixel */
    int lane, count;
} Piece;

/* One vector of channels of one segment. */
typedef struct {
    const WinogradPlan *p;
    const WinogradSink *y;
    WinogradSegment s;
    int k, count; /* the first channel, and how many of the vector there are */
    Piece piece[2];
    int pieces;
    Lanes offset;        /* bias and shift */
    const float *others; /* added to the results: the residual, or what y holds; or NULL */
    size_t others_step;  /* floats from pixel to pixel */
    double *sum, *squares;
} OutputRun;

static int find_pieces(const WinogradPlan *p, const WinogradSink *y, int k, Piece *piece)
{
    int end = k + LANES < p->K ? k + LANES : p->K, split = y->channels_a, n = 0;
    if (k < split && y->a)
        piece[n++] = (Piece){y->a + k, (size_t)split, 0, (end < split ? end : split) - k};
    if (end > split && y->b) {
        int from = k < split ? split : k;
        piece[n++] = (Piece){y->b + (from - split), (size_t)(p->K - split), from - k, end - from};
    }
    return n;
}

/* o = A^T M A of one tile + offset */
LANES_INLINE void output_tile(const WinogradPlan *p, const float *from, int m, Lanes offset,
                              Lanes o[4][4])
{
    Lanes rows[MOST_POINTS][4];
    const int n = m + 2;
    const size_t plane = p->m_plane;
    for (int i = 0; i < n; i++) {
        Lanes d[MOST_POINTS];
        for (int j = 0; j < n; j++, from += plane) d[j] = lanes_load(from, LANES);
        output_points(m, d, lanes_set(-0.0f), rows[i]); /* x + -0 is x */
    }
    for (int s = 0; s < m; s++) {
        Lanes d[MOST_POINTS], column[4];
        for (int i = 0; i < n; i++) d[i] = rows[i][s];
        output_points(m, d, offset, column);
        for (int r = 0; r < m; r++) o[r][s] = column[r];
    }
}

LANES_INLINE void add_sums(const OutputRun *run, Lanes sum, Lanes squares)
{
    lanes_add_double(run->sum, sum, LANES);
    lanes_add_double(run->squares, squares, LANES);
}

/* A tile inside the image whose vector goes to one place. */
LANES_INLINE void write_whole(const OutputRun *run, size_t pixel, int m, Lanes o[4][4], bool others,
                              bool sums)
{
    const Piece *to = &run->piece[0];
    Lanes sum = {0}, squares = {0}, factor = lanes_set(run->y->epilogue.factor);
    for (int r = 0; r < m; r++, pixel += (size_t)run->p->W)
        for (int s = 0; s < m; s++) {
            Lanes v = o[r][s];
            size_t at = pixel + (size_t)s;
            if (others) v += lanes_load(run->others + at * run->others_step, LANES);
            v *= factor;
            if (sums) sum += v, squares = lanes_fma(v, v, squares);
            lanes_store(to->base + at * to->step, v, LANES);
        }
    if (sums) add_sums(run, sum, squares);
}

static void put_pixel(const OutputRun *run, size_t pixel, Lanes v)
{
    for (int i = 0; i < run->pieces; i++) {
        const Piece *piece = &run->piece[i];
        float *to = piece->base + pixel * piece->step;
        for (int j = 0; j < piece->count; j++) {
            float value = v[piece->lane + j];
            to[j] = run->y->add ? to[j] + value : value;
        }
    }
}

/* Any tile: cut by the edge of the image, or of channels that end or part within the vector. */
static void write_cut(const OutputRun *run, int h, int w, int m, Lanes o[4][4])
{
    const WinogradPlan *p = run->p;
    const WinogradEpilogue *e = &run->y->epilogue;
    Lanes sum = {0}, squares = {0}, factor = lanes_set(e->factor);
    for (int r = 0; r < m && h + r < p->H; r++)
        for (int s = 0; s < m && w + s < p->W; s++) {
            size_t row = (size_t)run->s.n * (size_t)p->H + (size_t)(h + r);
            size_t pixel = row * (size_t)p->W + (size_t)(w + s);
            Lanes v = o[r][s];
            if (e->residual)
                v += lanes_load(e->residual + pixel * (size_t)p->K + run->k, (size_t)run->count);
            v *= factor;
            sum += v;
            squares = lanes_fma(v, v, squares);
            put_pixel(run, pixel, v);
        }
    if (run->sum) add_sums(run, sum, squares);
}

/* The gradient of nearest upsampling: sums of 2x2 pixels. H and W are even, so none is cut. */
static void write_upsampled(const OutputRun *run, int h, int w, int m, Lanes o[4][4])
{
    const WinogradPlan *p = run->p;
    for (int r = 0; r < m && h + r < p->H; r += 2)
        for (int s = 0; s < m && w + s < p->W; s += 2) {
            size_t row = (size_t)run->s.n * (size_t)(p->H / 2) + (size_t)((h + r) / 2);
            Lanes v = (o[r][s] + o[r][s + 1]) + (o[r + 1][s] + o[r + 1][s + 1]);
            put_pixel(run, row * (size_t)(p->W / 2) + (size_t)((w + s) / 2), v);
        }
}

LANES_INLINE void write_run(const OutputRun *run, const float *from, int m, bool whole, bool others,
                            bool sums)
{
    const WinogradPlan *p = run->p;
    int h = run->s.row * m, w = run->s.column * m;
    size_t pixel = ((size_t)run->s.n * (size_t)p->H + (size_t)h) * (size_t)p->W + (size_t)w;
    bool rows = h + m <= p->H;
    for (int t = 0; t < run->s.tiles; t++, from += p->m_tile, w += m, pixel += (size_t)m) {
        Lanes o[4][4];
        output_tile(p, from, m, run->offset, o);
        if (whole && rows && w + m <= p->W)
            write_whole(run, pixel, m, o, others, sums);
        else if (run->y->upsampled)
            write_upsampled(run, h, w, m, o);
        else
            write_cut(run, h, w, m, o);
    }
}

LANES_INLINE void write_tiles(const OutputRun *run, const float *from, int m)
{
    if (run->pieces > 1 || run->piece[0].count < LANES || run->y->upsampled)
        write_run(run, from, m, false, false, false);
    else if (run->sum && run->others)
        write_run(run, from, m, true, true, true);
    else if (run->sum)
        write_run(run, from, m, true, false, true);
    else if (run->others)
        write_run(run, from, m, true, true, false);
    else
        write_run(run, from, m, true, false, false);
}

static void output(const WinogradPlan *p, const WinogradSink *y, const float *m, int segment,
                   int panel, int at)
{
    const WinogradEpilogue *e = &y->epilogue;
    int vectors = winograd_panel_vectors(p, panel), width = p->k_vectors * LANES;
    OutputRun run = {.p = p, .y = y, .s = winograd_segment(p, segment)};
    for (int j = 0; j < vectors; j++) {
        run.k = (panel * p->panel_vectors + j) * LANES;
        run.count = p->K - run.k < LANES ? p->K - run.k : LANES;
        run.pieces = find_pieces(p, y, run.k, run.piece);
        if (run.pieces == 0) continue;
        size_t count = (size_t)run.count;
        run.offset = (Lanes){0};
        if (e->bias) run.offset += lanes_load(e->bias + run.k, count);
        if (e->shift)
            run.offset += lanes_load(e->shift + (size_t)run.s.n * (size_t)p->K + run.k, count);
        run.others = y->add ? run.piece[0].base : e->residual ? e->residual + run.k : NULL;
        run.others_step = y->add ? run.piece[0].step : (size_t)p->K;
        if (y->segment_sums) {
            run.sum = y->segment_sums + (size_t)segment * 2 * (size_t)width + run.k;
            run.squares = run.sum + width;
            for (int l = 0; l < LANES; l++) run.sum[l] = run.squares[l] = 0;
        }
        const float *from = m + (size_t)j * p->m_vector + (size_t)at * p->m_tile;
        if (p->tile == 4)
            write_tiles(&run, from, 4);
        else
            write_tiles(&run, from, 2);
    }
}

#define TABLE_NAME_(level) winograd_output_table_##level
#define TABLE_NAME(level)  TABLE_NAME_(level)
const WinogradOutputTable TABLE_NAME(SIMD_LEVEL) = {.output = output};
