#include "ops/conv2d_thin.h"

#include <string.h>

#include "base/mem.h"
#include "base/parallel.h"
#include "math/product.h"
#include "math/vec.h"
#include "ops/ordered_sum.h"

enum {
    TILE_ROWS = 8, /* grid rows of a tile: enough that copying its borders twice costs little */
    SLOTS = 16,    /* sums of the weight gradient that are made side by side */
};

bool thin_serves(const Window *g, int K)
{
    return K <= THIN_OUTPUTS || window_depth(g) <= THIN_DEPTH;
}

bool thin_gradient_serves(const Window *g)
{
    return window_depth(g) <= 2 * THIN_DEPTH;
}

static int tile_rows(const Window *g)
{
    return g->rows < TILE_ROWS ? g->rows : TILE_ROWS;
}

static int tile_count(const Window *g)
{
    return (g->rows + TILE_ROWS - 1) / TILE_ROWS;
}

static int copy_cols(const Window *g)
{
    return (g->cols - 1) * g->step + g->taps_s;
}

static size_t copy_floats(const Window *g)
{
    if (g->rows <= 0 || g->cols <= 0) return 0;
    size_t rows = (size_t)((tile_rows(g) - 1) * g->step + g->taps_r);
    return mem_whole_lines(rows * (size_t)copy_cols(g) * (size_t)g->C);
}

/* The tile of grid rows first .. of one image, whose source it copies. */
static ThinTile tile_start(const Window *g, int K, int first, const float *x, float *copy)
{
    int rows = g->rows - first < TILE_ROWS ? g->rows - first : TILE_ROWS;
    int source_rows = (rows - 1) * g->step + g->taps_r;
    size_t C = (size_t)g->C, row = (size_t)copy_cols(g) * C;
    for (int r = 0; r < source_rows; r++)
        window_row(g, copy + (size_t)r * row, x, first * g->step + g->top + r, g->left,
                   copy_cols(g));
    return (ThinTile){.source = copy,
                      .row = row,
                      .across = (size_t)g->step * C,
                      .down = (size_t)g->step * row,
                      .rows = (size_t)rows,
                      .cols = (size_t)g->cols,
                      .taps = (size_t)g->taps_r,
                      .width = (size_t)g->taps_s * C,
                      .K = (size_t)K};
}

/* Whether the work takes less time than waking another thread. */
static bool is_small(const Window *g, int N, int K)
{
    return product_is_small(N * g->rows * g->cols, K, window_depth(g));
}

static size_t image_floats(const Window *g)
{
    return (size_t)g->H * (size_t)g->W * (size_t)g->C;
}

static size_t grid_floats(const Window *g, int rows, int K)
{
    return (size_t)rows * (size_t)g->cols * (size_t)K;
}

/* ---- y = windows times w */

static size_t weight_floats(const Window *g, int K)
{
    return mem_whole_lines((size_t)window_depth(g) * (size_t)K);
}

size_t thin_correlate_scratch_floats(const Window *g, int K, int threads)
{
    return weight_floats(g, K) + (size_t)threads * copy_floats(g) + ORDERED_SUM_ALIGN;
}

/* turned [taps,K,width] from w [taps,width,K] */
static void turn(const Window *g, int K, float *turned, const float *w)
{
    size_t width = (size_t)(g->taps_s * g->C), k_count = (size_t)K;
    for (size_t r = 0; r < (size_t)g->taps_r; r++)
        for (size_t k = 0; k < k_count; k++)
            for (size_t q = 0; q < width; q++)
                turned[(r * k_count + k) * width + q] = w[(r * width + q) * k_count + k];
}

void thin_correlate(const Window *g, int N, int K, float *y, const float *x, const float *w,
                    const float *bias, bool add, float *scratch)
{
    const ThinTable *table = &SIMD_TABLE(thin_table);
    float *turned = ordered_sum_align(scratch), *copies = turned + weight_floats(g, K);
    bool few_outputs = K <= THIN_OUTPUTS;
    if (few_outputs) turn(g, K, turned, w);
    int tiles = tile_count(g);
    bool alone = is_small(g, N, K);
#pragma omp parallel for num_threads(parallel_threads()) schedule(static) if (!alone)
    for (int unit = 0; unit < N * tiles; unit++) {
        int n = unit / tiles, first = unit % tiles * TILE_ROWS;
        ThinTile t = tile_start(g, K, first, x + (size_t)n * image_floats(g),
                                copies + (size_t)parallel_thread() * copy_floats(g));
        t.w = few_outputs ? turned : w;
        t.bias = bias;
        t.add = add;
        t.y = y + (size_t)n * grid_floats(g, g->rows, K) + grid_floats(g, first, K);
        if (few_outputs)
            table->few_outputs(&t);
        else
            table->few_inputs(&t);
    }
}

/* ---- weight gradient: the tiles of the batch in slots, each summed on its own, in order */

static int slot_count(const Window *g, int N)
{
    int tiles = N * tile_count(g);
    return tiles < SLOTS ? tiles : SLOTS;
}

size_t thin_gradient_scratch_floats(const Window *g, int N, int K, int threads)
{
    size_t sums = (size_t)(slot_count(g, N) + 1) * weight_floats(g, K);
    return sums + (size_t)threads * copy_floats(g) + ORDERED_SUM_ALIGN;
}

const float *thin_gradient(const Window *g, int N, int K, const float *x, const float *dy,
                           float *scratch)
{
    const ThinTable *table = &SIMD_TABLE(thin_table);
    int tiles = tile_count(g), slots = slot_count(g, N);
    size_t size = weight_floats(g, K), all = (size_t)N * (size_t)tiles;
    float *sums = ordered_sum_align(scratch), *copies = sums + (size_t)(slots + 1) * size;
    memset(sums, 0, (size_t)(slots + 1) * size * sizeof *sums);
    bool alone = is_small(g, N, K);
#pragma omp parallel for num_threads(parallel_threads()) schedule(dynamic) if (!alone)
    for (int slot = 0; slot < slots; slot++) {
        size_t unit = ordered_sum_begin(all, slots, slot),
               end = ordered_sum_begin(all, slots, slot + 1);
        for (; unit < end; unit++) {
            size_t n = unit / (size_t)tiles;
            int first = (int)(unit % (size_t)tiles) * TILE_ROWS;
            ThinTile t = tile_start(g, K, first, x + n * image_floats(g),
                                    copies + (size_t)parallel_thread() * copy_floats(g));
            t.dy = dy + n * grid_floats(g, g->rows, K) + grid_floats(g, first, K);
            t.dw = sums + (size_t)(slot + 1) * size;
            table->gradient(&t);
        }
    }
    for (int slot = 0; slot < slots; slot++)
        vec_accumulate(sums, sums + (size_t)(slot + 1) * size, size);
    return sums;
}
