/* The output transform of the Winograd convolution at one instruction set, with everything that
 * follows the convolution: bias, time embedding, residual, sums for the next GroupNorm. */
#include "ops/winograd_points.h"

/* One vector of channels of one segment. */
typedef struct {
    const WinogradPlan *p;
    const WinogradOutput *y;
    WinogradSegment s;
    int k, count; /* the first channel, and how many of the vector there are */
    Lanes offset; /* bias and shift */
    float *to;
    const float *others; /* added to the results: the residual, or what y holds; or NULL */
    double *sum, *squares;
} OutputRun;

/* o = A^T M A of one tile + offset */
LANES_INLINE void output_tile(const WinogradPlan *p, const float *from, int m, Lanes offset,
                              Lanes o[4][4])
{
    Lanes rows[MOST_POINTS][4];
    const int n = m + 2;
    const size_t plane = p->m_plane;
    LANES_UNROLL
    for (int i = 0; i < n; i++, from += (size_t)n * plane) {
        Lanes d[MOST_POINTS];
        KEEP_IN_REGISTER(from);
        LANES_UNROLL
        for (int j = 0; j < n; j++) d[j] = lanes_load(from + (size_t)j * plane, LANES);
        output_points(m, d, lanes_set(-0.0f), rows[i]); /* x + -0 is x */
    }
    LANES_UNROLL
    for (int s = 0; s < m; s++) {
        Lanes d[MOST_POINTS], column[4];
        LANES_UNROLL
        for (int i = 0; i < n; i++) d[i] = rows[i][s];
        output_points(m, d, offset, column);
        LANES_UNROLL
        for (int r = 0; r < m; r++) o[r][s] = column[r];
    }
}

LANES_INLINE void add_sums(const OutputRun *run, Lanes sum, Lanes squares)
{
    lanes_add_double(run->sum, sum, LANES);
    lanes_add_double(run->squares, squares, LANES);
}

/* A tile inside the image, of a whole vector of channels; `at` floats into y. */
LANES_INLINE void write_whole(const OutputRun *run, size_t at, int m, Lanes o[4][4], bool others,
                              bool sums)
{
    const size_t pixel = (size_t)run->p->K, row = (size_t)run->p->W * pixel;
    Lanes sum = {0}, squares = {0};
    LANES_UNROLL
    for (int r = 0; r < m; r++, at += row) {
        KEEP_IN_REGISTER(at);
        LANES_UNROLL
        for (int s = 0; s < m; s++) {
            Lanes v = o[r][s];
            if (others) v += lanes_load(run->others + at + (size_t)s * pixel, LANES);
            if (sums) sum += v, squares = lanes_fma(v, v, squares);
            lanes_store(run->to + at + (size_t)s * pixel, v, LANES);
        }
    }
    if (sums) add_sums(run, sum, squares);
}

/* Any tile: cut by the edge of the image, or of channels that end within the vector. */
static void write_cut(const OutputRun *run, int h, int w, int m, Lanes o[4][4])
{
    const WinogradPlan *p = run->p;
    const size_t count = (size_t)run->count;
    Lanes sum = {0}, squares = {0};
    for (int r = 0; r < m && h + r < p->H; r++)
        for (int s = 0; s < m && w + s < p->W; s++) {
            size_t row = (size_t)run->s.n * (size_t)p->H + (size_t)(h + r);
            size_t at = (row * (size_t)p->W + (size_t)(w + s)) * (size_t)p->K;
            Lanes v = o[r][s];
            if (run->others) v += lanes_load(run->others + at, count);
            sum += v;
            squares = lanes_fma(v, v, squares);
            lanes_store(run->to + at, v, count);
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
            size_t at = (row * (size_t)(p->W / 2) + (size_t)((w + s) / 2)) * (size_t)p->K;
            Lanes v = (o[r][s] + o[r][s + 1]) + (o[r + 1][s] + o[r + 1][s + 1]);
            if (run->others) v += lanes_load(run->others + at, (size_t)run->count);
            lanes_store(run->to + at, v, (size_t)run->count);
        }
}

/* Fetches a tile's lines of y and of what is added into L1. */
LANES_INLINE void fetch_results(const OutputRun *run, size_t at, int m, bool others)
{
    const size_t pixel = (size_t)run->p->K, row = (size_t)run->p->W * pixel;
    LANES_UNROLL
    for (int r = 0; r < m; r++, at += row) {
        KEEP_IN_REGISTER(at);
        LANES_UNROLL
        for (int s = 0; s < m; s++) {
            fetch_ahead(run->to, at + (size_t)s * pixel);
            if (others) fetch_ahead(run->others, at + (size_t)s * pixel);
        }
    }
}

LANES_INLINE void write_run(const OutputRun *runs, int count, const float *from, int m, bool whole,
                            bool others, bool sums)
{
    const WinogradPlan *p = runs->p;
    const WinogradSegment *g = &runs->s;
    int h = g->row * m, w = g->column * m;
    const size_t step = (size_t)m * (size_t)p->K; /* from tile to tile of y */
    size_t at =
        (((size_t)g->n * (size_t)p->H + (size_t)h) * (size_t)p->W + (size_t)w) * (size_t)p->K;
    bool rows = h + m <= p->H;
    for (int t = 0; t < g->tiles; t++, from += p->m_tile, w += m, at += step) {
        if (whole) fetch_results(runs, at + step, m, others);
        for (int j = 0; j < count; j++) {
            const OutputRun *run = runs + j;
            Lanes o[4][4];
            output_tile(p, from + (size_t)j * p->m_vector, m, run->offset, o);
            if (whole && rows && w + m <= p->W)
                write_whole(run, at, m, o, others, sums);
            else if (run->y->upsampled)
                write_upsampled(run, h, w, m, o);
            else
                write_cut(run, h, w, m, o);
        }
    }
}

LANES_INLINE void write_tiles(const OutputRun *runs, int count, const float *from, int m)
{
    if (runs[count - 1].count < LANES || runs->y->upsampled)
        write_run(runs, count, from, m, false, false, false);
    else if (runs->sum && runs->others)
        write_run(runs, count, from, m, true, true, true);
    else if (runs->sum)
        write_run(runs, count, from, m, true, false, true);
    else if (runs->others)
        write_run(runs, count, from, m, true, true, false);
    else
        write_run(runs, count, from, m, true, false, false);
}

static void set_run(OutputRun *run, int segment, int k)
{
    const WinogradPlan *p = run->p;
    const WinogradOutput *y = run->y;
    int width = p->k_vectors * LANES;
    run->s = winograd_segment(p, segment);
    run->k = k;
    run->count = p->K - k < LANES ? p->K - k : LANES;
    size_t count = (size_t)run->count;
    run->offset = (Lanes){0};
    if (y->bias) run->offset += lanes_load(y->bias + k, count);
    if (y->shift) run->offset += lanes_load(y->shift + (size_t)run->s.n * (size_t)p->K + k, count);
    run->to = y->y + k;
    run->others = y->add ? run->to : y->residual ? y->residual + k : NULL;
    run->sum = NULL;
    if (!y->segment_sums) return;
    run->sum = y->segment_sums + (size_t)segment * 2 * (size_t)width + k;
    run->squares = run->sum + width;
    for (int l = 0; l < LANES; l++) run->sum[l] = run->squares[l] = 0;
}

/* The vectors that share a line of y are written together. */
static void output(const WinogradPlan *p, const WinogradOutput *y, const float *m, int segment,
                   int panel, int at)
{
    enum { TOGETHER = LINE_FLOATS / LANES };
    int vectors = winograd_panel_vectors(p, panel);
    m += (size_t)at * p->m_tile;
    for (int first = 0; first < vectors; first += TOGETHER) {
        OutputRun runs[TOGETHER];
        int count = vectors - first < TOGETHER ? vectors - first : TOGETHER;
        for (int j = 0; j < count; j++) {
            runs[j].p = p, runs[j].y = y;
            set_run(&runs[j], segment, (panel * p->panel_vectors + first + j) * LANES);
        }
        const float *from = m + (size_t)first * p->m_vector;
        WITH_TILE(p, write_tiles(runs, count, from, TILE));
    }
}

const WinogradOutputTable SIMD_TABLE_HERE(winograd_output_table) = {.output = output};
