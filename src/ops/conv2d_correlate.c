#include "ops/conv2d_correlate.h"

#include "base/parallel.h"
#include "math/product.h"
#include "ops/conv2d_thin.h"
#include "ops/ordered_sum.h"

enum {
    TILE_FLOATS = 128 * 1024, /* gathered windows of a tile: half of L2 */
    TILE_MIN = 32,            /* pixels of a tile; each reads all of w, so the more the better */
    TILE_MAX = 256
};

static int min_int(int a, int b)
{
    return a < b ? a : b;
}

static int max_int(int a, int b)
{
    return a > b ? a : b;
}

/* Pixels of one tile; a large image has two tiles at least, so that it keeps two cores busy. */
static int tile_pixels(const Window *g)
{
    int pixels = g->rows * g->cols;
    int most = max_int(TILE_MIN, min_int(TILE_MAX, TILE_FLOATS / max_int(window_depth(g), 1)));
    int tiles = max_int((pixels + most - 1) / most, 1);
    if (tiles == 1 && pixels >= 2 * TILE_MIN) tiles = 2;
    return max_int((pixels + tiles - 1) / tiles, 1);
}

static size_t tile_floats(const Window *g)
{
    return (size_t)tile_pixels(g) * (size_t)window_depth(g);
}

static size_t packed_floats(int depth, int K)
{
    return product_packed_floats(K, depth) + ORDERED_SUM_ALIGN;
}

void correlate_pack(float *packed, const float *w, const Window *g, int K)
{
    Product p = {.N = K, .K = window_depth(g), .b = w, .ldb = K};
    p.image_rows = g->rows * g->cols;
    product_pack(&p, packed);
}

static bool is_thin(const Window *g, int K, int step)
{
    return step == 1 && thin_serves(g, K);
}

/* Packed weights, and per thread the windows of a tile. */
size_t correlate_scratch_floats(const Window *g, int K, int step, int threads)
{
    if (is_thin(g, K, step)) return thin_correlate_scratch_floats(g, K, threads);
    return packed_floats(window_depth(g), K) + (size_t)threads * tile_floats(g);
}

void correlate_packed(const Window *g, int N, const Target *to, const float *x, const float *packed,
                      float *cols)
{
    int pixels = g->rows * g->cols, tile = tile_pixels(g), tiles = (pixels + tile - 1) / tile;
    int depth = window_depth(g), K = to->K;
    size_t x_size = (size_t)g->H * (size_t)g->W * (size_t)g->C;
#pragma omp parallel for num_threads(parallel_threads()) schedule(static)
    for (int unit = 0; unit < N * tiles; unit++) {
        float *col = cols + (size_t)parallel_thread() * tile_floats(g);
        int n = unit / tiles, first = unit % tiles * tile, count = min_int(tile, pixels - first);
        window_gather(g, col, x + (size_t)n * x_size, first, count);
        Product p = {.K = depth, .N = K, .alpha = 1, .beta = to->add ? 1 : 0};
        p.image_rows = pixels;
        p.a = col, p.lda = depth;
        p.packed = packed;
        p.bias = to->bias;
        p.ldc = p.ldd = to->step * K;
        /* One product where the pixels of y lie side by side, else one a row. */
        for (int at = first; at < first + count; at += p.M, p.a += (size_t)p.M * (size_t)depth) {
            int row = at / g->cols, col_of = at % g->cols, left = first + count - at;
            size_t y_row = (size_t)n * (size_t)to->H + (size_t)(to->a + to->step * row);
            size_t pixel = y_row * (size_t)to->W + (size_t)(to->b + to->step * col_of);
            p.M = to->step == 1 ? left : min_int(left, g->cols - col_of);
            p.d = p.c = to->y + pixel * (size_t)K;
            product_run_here(&p, NULL);
        }
    }
}

void correlate(const Window *g, int N, const Target *to, const float *x, const float *w,
               float *scratch)
{
    if (is_thin(g, to->K, to->step)) {
        thin_correlate(g, N, to->K, to->y, x, w, to->bias, to->add, scratch);
        return;
    }
    float *packed = ordered_sum_align(scratch);
    correlate_pack(packed, w, g, to->K);
    correlate_packed(g, N, to, x, packed, scratch + packed_floats(window_depth(g), to->K));
}
