/* Linear layer: y = x w + b, row by row.
 *   backward   dx += dy w^T     dw += x^T dy     db += sum of dy
 *   tangent    ydot = xdot w + x wdot + bdot
 *   backward2  mx += my w^T     dw += x^T my + xdot^T ly     db += sum of my   (bilinear in x, w) */
#include "diffc/gemm.h"
#include "diffc/ops.h"
#include "diffc/vec.h"
#include "partial.h"

#include <string.h>

enum {
    TILE_ROWS = 256, /* rows of one product */
    FEW_ROWS = 8,    /* below this many rows per image a product would mostly copy w */
    FEW_COLUMNS = 128,
    CHUNK_ROWS = 512, /* rows of one product of the weight gradient */
    CHUNK_COLUMNS = 256
};

static int min_int(int a, int b)
{
    return a < b ? a : b;
}

/* Rows are cut evenly into tiles of at most TILE_ROWS, and into two at least when there are many,
 * so that one image keeps two cores busy. */
static int tile_rows(size_t rows)
{
    size_t tiles = (rows + TILE_ROWS - 1) / TILE_ROWS;
    if (tiles == 1 && rows >= TILE_ROWS / 2) tiles = 2;
    return (int)((rows + tiles - 1) / tiles);
}

/* y[row,:] (+)= x[row,:] w for rows of one tile. */
static void add_tile(const LinearDims *d, float *y, const float *x, const float *w, int rows,
                     bool add)
{
    gemm(false, false, rows, d->K, d->C, 1, x, d->C, w, d->K, add ? 1 : 0, y, d->K);
}

/* Few rows per image (time embeddings): the rows of all images share each pass over w, and each
 * row is summed over c in order, alone. */
static void product_few(const LinearDims *d, float *y, const float *x, const float *w, bool add)
{
    enum { GROUP = 8 };
    int rows = d->N * d->T, groups = (rows + GROUP - 1) / GROUP;
    int blocks = (d->K + FEW_COLUMNS - 1) / FEW_COLUMNS;
#pragma omp parallel for schedule(static)
    for (int unit = 0; unit < groups * blocks; unit++) {
        int row0 = unit / blocks * GROUP, count = min_int(GROUP, rows - row0);
        int k0 = unit % blocks * FEW_COLUMNS;
        size_t columns = (size_t)min_int(FEW_COLUMNS, d->K - k0);
        float *out = y + (size_t)row0 * (size_t)d->K + k0;
        const float *in = x + (size_t)row0 * (size_t)d->C;
        if (!add)
            for (int r = 0; r < count; r++)
                memset(out + (size_t)r * (size_t)d->K, 0, columns * sizeof *out);
        for (int c = 0; c < d->C; c++)
            for (int r = 0; r < count; r++)
                vec_axpy(out + (size_t)r * (size_t)d->K, in[(size_t)r * (size_t)d->C + (size_t)c],
                         w + (size_t)c * (size_t)d->K + k0, columns);
    }
}

/* y (+)= x w; an image's products have the same shapes in every batch. */
static void product(const LinearDims *d, float *y, const float *x, const float *w, bool add)
{
    if (d->T < FEW_ROWS) {
        product_few(d, y, x, w, add);
        return;
    }
    int tile = tile_rows((size_t)d->T), tiles = (d->T + tile - 1) / tile;
#pragma omp parallel for schedule(dynamic)
    for (int unit = 0; unit < d->N * tiles; unit++) {
        int first = unit % tiles * tile;
        size_t row = (size_t)(unit / tiles) * (size_t)d->T + (size_t)first;
        add_tile(d, y + row * (size_t)d->K, x + row * (size_t)d->C, w, min_int(tile, d->T - first),
                 add);
    }
}

static void fill_rows(float *y, const float *b, size_t rows, int K)
{
#pragma omp parallel for schedule(static)
    for (size_t t = 0; t < rows; t++) memcpy(y + t * (size_t)K, b, (size_t)K * sizeof *y);
}

void linear_forward(const LinearDims *d, float *y, const float *x, const float *w, const float *b,
                    float *scratch)
{
    (void)scratch;
    if (b) fill_rows(y, b, (size_t)d->N * (size_t)d->T, d->K);
    product(d, y, x, w, b != NULL);
}

void linear_tangent(const LinearDims *d, float *ydot, const float *x, const float *xdot,
                    const float *w, const float *wdot, const float *bdot, float *scratch)
{
    linear_forward(d, ydot, xdot, w, bdot, scratch);
    if (wdot) product(d, ydot, x, wdot, true);
}

static int column_blocks(const LinearDims *d)
{
    return (d->C + CHUNK_COLUMNS - 1) / CHUNK_COLUMNS;
}

size_t linear_scratch_floats(const LinearDims *d)
{
    size_t rows = (size_t)d->N * (size_t)d->T, weights = (size_t)d->C * (size_t)d->K;
    size_t slots = (size_t)partial_slots(rows, weights) * weights;
    size_t columns = partial_columns_scratch_floats(rows, d->K);
    return slots > columns ? slots : columns;
}

/* dx += dy w^T over all rows of the batch at once. */
static void data_gradient(const LinearDims *d, float *dx, const float *dy, const float *w)
{
    size_t rows = (size_t)d->N * (size_t)d->T;
    size_t tile = (size_t)tile_rows(rows);
#pragma omp parallel for schedule(dynamic)
    for (size_t row = 0; row < rows; row += tile)
        gemm(false, true, (int)(rows - row < tile ? rows - row : tile), d->C, d->K, 1,
             dy + row * (size_t)d->K, d->K, w, d->K, 1, dx + row * (size_t)d->C, d->C);
}

/* dw += x^T dy: each unit sums one slot of rows for one block of x's columns. */
static void weight_gradient(const LinearDims *d, float *dw, const float *dy, const float *x,
                            float *scratch)
{
    size_t rows = (size_t)d->N * (size_t)d->T, weights = (size_t)d->C * (size_t)d->K;
    int slots = partial_slots(rows, weights), blocks = column_blocks(d);
    float *parts = slots > 1 ? scratch : dw;
#pragma omp parallel for schedule(dynamic)
    for (int unit = 0; unit < slots * blocks; unit++) {
        int slot = unit / blocks, c0 = unit % blocks * CHUNK_COLUMNS;
        float *out = parts + (size_t)slot * weights + (size_t)c0 * (size_t)d->K;
        size_t begin = partial_begin(rows, slots, slot), end = partial_begin(rows, slots, slot + 1);
        for (size_t row = begin; row < end; row += CHUNK_ROWS) {
            int count = (int)(end - row < CHUNK_ROWS ? end - row : CHUNK_ROWS);
            gemm(true, false, min_int(CHUNK_COLUMNS, d->C - c0), d->K, count, 1,
                 x + row * (size_t)d->C + c0, d->C, dy + row * (size_t)d->K, d->K,
                 slots > 1 && row == begin ? 0 : 1, out, d->K);
        }
    }
    if (slots > 1) partial_add(dw, parts, slots, weights);
}

void linear_backward(const LinearDims *d, float *dx, float *dw, float *db, const float *dy,
                     const float *x, const float *w, float *scratch)
{
    if (dx) data_gradient(d, dx, dy, w);
    if (dw) weight_gradient(d, dw, dy, x, scratch);
    if (db) partial_columns(db, dy, (size_t)d->N * (size_t)d->T, d->K, scratch);
}

void linear_backward2(const LinearDims *d, float *mx, float *dw, float *db, const float *my,
                      const float *ly, const float *x, const float *xdot, const float *w,
                      float *scratch)
{
    linear_backward(d, mx, dw, db, my, x, w, scratch);
    if (dw) weight_gradient(d, dw, ly, xdot, scratch);
}
