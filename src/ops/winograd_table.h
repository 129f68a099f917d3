/* Between winograd.c and winograd_gradient.c (who computes what) and the files winograd*_simd.c (how, at one instruction
 * set): the plan of one convolution and the tables of kernels.
 *
 * A segment is a run of at most SEGMENT_TILES tiles of one tile row; a block is a run of segments,
 * which may belong to several images; tiles are numbered within a block. With L lanes a vector:
 *   V, D, M   [frequency][vector of channels][tile of the block][L], frequencies `plane` apart
 *   U         [panel of output channels][frequency][input channel][1 or PANEL_VECTORS vectors]
 *   packed w  [panel of output channels][input channel][9][1 or PANEL_VECTORS vectors]
 * so every inner loop runs through memory in order and uses whole lines. Where a library makes the
 * products (p->library), the same with plain matrices: V and D are [frequency][tile][channel], M is
 * [frequency][tile][channel of the panel], and a panel has up to LIBRARY_PANEL channels. */
#ifndef DIFFC_OPS_WINOGRAD_TABLE_H
#define DIFFC_OPS_WINOGRAD_TABLE_H

#include "ops/winograd.h"

enum {
    SEGMENT_TILES = 16,
    PANEL_VECTORS = 2,
    LIBRARY_PANEL = 128,
};

typedef struct {
    int N, H, W, C, K; /* of the output; C channels in */
    int in_H, in_W, pad;
    int tile;   /* m: 4 or 2 outputs a side */
    int points; /* m + 2 frequencies a side */
    int lanes;
    int tiles_h, tiles_w;
    int segment_tiles, row_segments, segments;
    int block_segments, block_tiles, blocks;
    int c_vectors, k_vectors, panel_vectors, panels;
    bool late;    /* packed weights are the packed w; U is made of them where it is used */
    bool library; /* products by a library */
    /* Floats from one frequency of V, and of M (D), to the next; from one vector of channels to the next; and from
     * tile to tile. */
    size_t v_plane, m_plane, v_vector, m_vector, v_tile, m_tile;
} WinogradPlan;

typedef struct {
    int n, row, column, tiles; /* image, tile row, first tile column, how many */
} WinogradSegment;

static inline WinogradSegment winograd_segment(const WinogradPlan *p, int index)
{
    int row = index / p->row_segments, column = index % p->row_segments * p->segment_tiles;
    int left = p->tiles_w - column;
    return (WinogradSegment){.n = row / p->tiles_h,
                             .row = row % p->tiles_h,
                             .column = column,
                             .tiles = left < p->segment_tiles ? left : p->segment_tiles};
}

/* How many vectors the panel has, and where it begins in an array of so many frequencies. */
static inline int winograd_panel_vectors(const WinogradPlan *p, int panel)
{
    int left = p->k_vectors - panel * p->panel_vectors;
    return left < p->panel_vectors ? left : p->panel_vectors;
}

static inline size_t winograd_panel_offset(const WinogradPlan *p, int panel, int frequencies)
{
    return (size_t)(panel * p->panel_vectors * p->lanes) * (size_t)frequencies *
           (size_t)(p->c_vectors * p->lanes);
}

static inline int winograd_divide_up(int a, int b)
{
    return (a + b - 1) / b;
}

static inline size_t winograd_frequencies(const WinogradPlan *p)
{
    return (size_t)p->points * (size_t)p->points;
}

/* Floats rounded up to an odd number of cache lines: the same place of consecutive frequencies then
 * falls into different sets of L1. */
size_t winograd_odd_lines(size_t floats);

/* The plan without its division into blocks; swap: of the data gradient, with C and K exchanged. Then the
 * division: so many segments a block, and so many vectors of channels in M. */
WinogradPlan winograd_plan_shape(const Conv2dDims *d, bool swap);
void winograd_plan_blocks(WinogradPlan *p, int block_segments, int m_vectors);

/* The segments of one block, each with its first tile's number in the block. */
#define FOR_SEGMENTS(p, block, segment, at)                                                        \
    for (int segment = (block) * (p)->block_segments, at = 0;                                      \
         segment < ((block) + 1) * (p)->block_segments && segment < (p)->segments;                 \
         at += winograd_segment((p), segment).tiles, segment++)
int winograd_block_tiles(const WinogradPlan *p, int block);

/* What winograd_backward_weights needs of the scratch. */
size_t winograd_gradient_floats(const Conv2dDims *d, int threads);

/* Memory that the transforms need after the products: `count` cache lines, `step` floats apart. */
typedef struct {
    const float *from;
    size_t count, step;
} WinogradLines;

enum { WINOGRAD_SOON = 3 };

/* A stretch of input channels of one panel of U, [frequency][input channel][vectors]. */
typedef struct {
    const float *u;
    size_t plane;      /* floats from one frequency to the next */
    int vectors;       /* of output channels */
    int first, count;  /* vectors of input channels: the first, and how many */
    const float *next; /* what the products fetch meanwhile; NULL: the panel's U that follows */
    size_t next_floats;
    WinogradLines soon[WINOGRAD_SOON]; /* what the products fetch into L2 meanwhile */
} WinogradStretch;

/* Sets `soon` of a stretch of all channels; x, if the thread goes on with the next block. */
void winograd_set_soon(const WinogradPlan *p, WinogradStretch *s, const WinogradOutput *y,
                       const WinogradInput *x, int block, int panel);

typedef struct {
    int lanes;
    /* U, or if p->late the packed w, of one panel and one vector of input channels; transposed:
     * from the weights of the convolution whose data gradient the plan computes. */
    void (*pack)(const WinogradPlan *p, float *u, const float *w, bool transposed, int panel,
                 int c_vector);
    /* U of a stretch from the packed w of its channels: the bits of pack. */
    void (*transform)(const WinogradPlan *p, float *u, const float *packed,
                      const WinogradStretch *s);
    /* V of one segment, for vectors first .. last-1 of its channels; the segment begins at tile `at`
     * of the block. */
    void (*input)(const WinogradPlan *p, float *v, const WinogradInput *x, int segment, int first,
                  int last, int at);
    /* M of one panel for the block's first `tiles` tiles: the sums over the stretch's channels,
     * added to what M holds unless the stretch begins at channel 0. */
    void (*multiply)(const WinogradPlan *p, float *m, const float *v, const WinogradStretch *u,
                     int tiles);
} WinogradTable;

typedef struct {
    /* y of one segment and panel. */
    void (*output)(const WinogradPlan *p, const WinogradOutput *y, const float *m, int segment,
                   int panel, int at);
} WinogradOutputTable;

/* Weight gradient, for one half of the frequencies at a time: half 0 has the upper points / 2 rows,
 * half 1 the lower. V and D hold the half's points / 2 * points frequencies. */
typedef struct {
    void (*input)(const WinogradPlan *p, float *v, const WinogradInput *x, int half, int segment,
                  int first, int last, int at);
    void (*gradient)(const WinogradPlan *p, float *d, const float *dy, int half, int segment,
                     int first, int last, int at);
    /* The sums dU of one panel [frequency][input channel][panel vectors] from `tiles` tiles:
     * overwritten, or added to. */
    void (*accumulate)(const WinogradPlan *p, float *du, const float *v, const float *d, int panel,
                       int tiles, bool add);
    /* The same for the last tiles, which leaves the sums transformed along their rows, dU G, in
     * du_g [panel][row][3][input channel][panel vectors]. du may be NULL: no tiles before. */
    void (*accumulate_last)(const WinogradPlan *p, float *du_g, const float *du, const float *v,
                            const float *d, int half, int panel, int tiles);
    /* dU G of the panel's sums from accumulate, as accumulate_last leaves it. */
    void (*transform)(const WinogradPlan *p, float *du_g, const float *du, int half, int panel);
    /* dw += G^T (dU G) for one panel and one vector of input channels. */
    void (*finish)(const WinogradPlan *p, float *dw, const float *du_g, int panel, int c_vector);
} WinogradGradTable;

extern const WinogradTable winograd_table_plain, winograd_table_avx2, winograd_table_avx512;
extern const WinogradOutputTable winograd_output_table_plain, winograd_output_table_avx2,
    winograd_output_table_avx512;
extern const WinogradGradTable winograd_grad_table_plain, winograd_grad_table_avx2,
    winograd_grad_table_avx512;

#endif
