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

/* A tile inside the image, of a whole vector of channels. */
LANES_INLINE void write_whole(const OutputRun *run, size_t pixel, int m, Lanes o[4][4], bool others,
                              bool sums)
{
    Lanes sum = {0}, squares = {0};
    for (int r = 0; r < m; r++, pixel += (size_t)run->p->W)
        for (int s = 0; s < m; s++) {
            Lanes v = o[r][s];
            size_t at = (pixel + (size_t)s) * (size_t)run->p->K;
            if (others) v += lanes_load(run->others + at, LANES);
            if (sums) sum += v, squares = lanes_fma(v, v, squares);
            lanes_store(run->to + at, v, LANES);
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
    if (run->count < LANES || run->y->upsampled)
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

static void output(const WinogradPlan *p, const WinogradOutput *y, const float *m, int segment,
                   int panel, int at)
{
    int vectors = winograd_panel_vectors(p, panel), width = p->k_vectors * LANES;
    OutputRun run = {.p = p, .y = y, .s = winograd_segment(p, segment)};
    for (int j = 0; j < vectors; j++) {
        run.k = (panel * p->panel_vectors + j) * LANES;
        run.count = p->K - run.k < LANES ? p->K - run.k : LANES;
        size_t count = (size_t)run.count;
        run.offset = (Lanes){0};
        if (y->bias) run.offset += lanes_load(y->bias + run.k, count);
        if (y->shift)
            run.offset += lanes_load(y->shift + (size_t)run.s.n * (size_t)p->K + run.k, count);
        run.to = y->y + run.k;
        run.others = y->add ? run.to : y->residual ? y->residual + run.k : NULL;
        if (y->segment_sums) {
            run.sum = y->segment_sums + (size_t)segment * 2 * (size_t)width + run.k;
            run.squares = run.sum + width;
            for (int l = 0; l < LANES; l++) run.sum[l] = run.squares[l] = 0;
        }
        const float *from = m + (size_t)j * p->m_vector + (size_t)at * p->m_tile;
        WITH_TILE(p, write_tiles(&run, from, TILE));
    }
}

const WinogradOutputTable SIMD_TABLE_HERE(winograd_output_table) = {.output = output};
