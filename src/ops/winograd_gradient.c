/* The weight gradient of Winograd convolutions: winograd.h has the formula. */
#include "base/parallel.h"
#include "math/product.h"
#include "math/vec.h"
#include "ops/winograd_table.h"

/* The weight gradient: floats of V and D that a chunk of tiles may take, and its tiles. Longer
 * chunks read and write the sums less often, shorter ones leave more of them in L2. */
enum { CHUNK_FLOATS = 200 << 10, LEAST_CHUNK_TILES = 64, MOST_CHUNK_TILES = 128 };

static const WinogradGradTable *grad_kernels(void)
{
    return &SIMD_TABLE(winograd_grad_table);
}

static WinogradPlan plan_gradient(const Conv2dDims *d)
{
    WinogradPlan p = winograd_plan_shape(d, false);
    int half = p.points / 2 * p.points, channels = (p.c_vectors + p.k_vectors) * p.lanes;
    int tiles = CHUNK_FLOATS / (half * channels);
    tiles = tiles < LEAST_CHUNK_TILES ? LEAST_CHUNK_TILES : tiles;
    tiles = tiles > MOST_CHUNK_TILES ? MOST_CHUNK_TILES : tiles;
    int chunks = winograd_divide_up(p.segments, tiles / p.segment_tiles);
    winograd_plan_blocks(&p, chunks > 0 ? winograd_divide_up(p.segments, chunks) : 1, p.k_vectors);
    return p;
}

/* An item of the weight gradient is one half of the frequencies and one share of the panels; with
 * two threads there is one share. Each further share makes V again; a sum is the same in all. */
static int gradient_shares(const WinogradPlan *p, int threads)
{
    int shares = winograd_divide_up(threads, 2);
    return shares < p->panels ? shares : p->panels;
}

/* dU G of all; and for each thread V, D and, with several chunks, dU. */
typedef struct {
    size_t du_g, v, d, du;
} GradientRoom;

static GradientRoom gradient_room(const WinogradPlan *p, int threads)
{
    size_t half = (size_t)(p->points / 2 * p->points), channels = (size_t)(p->c_vectors * p->lanes);
    size_t panel = channels * (size_t)(p->panel_vectors * p->lanes);
    size_t share = (size_t)winograd_divide_up(p->panels, gradient_shares(p, threads));
    return (GradientRoom){
        .du_g = winograd_odd_lines((size_t)p->points * 3 * (size_t)p->panels * panel),
        .v = half * p->v_plane,
        .d = half * p->m_plane,
        .du = p->blocks > 1 || p->library ? winograd_odd_lines(half * share * panel) : 0};
}

size_t winograd_gradient_floats(const Conv2dDims *d, int threads)
{
    WinogradPlan p = plan_gradient(d);
    GradientRoom room = gradient_room(&p, threads);
    return room.du_g + (size_t)threads * (room.v + room.d + room.du);
}

/* The sums of one panel [frequency][input channel][panel vectors] from a chunk of tiles, by a library. */
static void add_matrices(const WinogradPlan *p, float *du, const float *v, const float *d,
                         int panel, int tiles, bool add)
{
    int C = p->c_vectors * p->lanes, K = winograd_panel_vectors(p, panel) * p->lanes;
    Product product = {.M = C, .N = K, .K = tiles, .lda = C, .ldb = (int)p->m_tile, .alpha = 1};
    product.transpose_a = true, product.beta = add;
    product.ldc = product.ldd = K;
    d += (size_t)(panel * p->panel_vectors) * p->m_vector;
    for (int f = 0; f < p->points / 2 * p->points; f++, du += (size_t)C * (size_t)K) {
        product.a = v + (size_t)f * p->v_plane;
        product.b = d + (size_t)f * p->m_plane;
        product.c = du, product.d = du;
        product_run_here(&product, NULL);
    }
}

/* The sums of one item: one half of the frequencies, panels first .. last-1, all tiles in order. */
static void gradient_item(const WinogradPlan *p, float *du_g, const WinogradInput *x,
                          const float *dy, int half, int first, int last, float *scratch)
{
    const WinogradGradTable *k = grad_kernels();
    GradientRoom room = gradient_room(p, parallel_threads());
    float *v = scratch, *d = v + room.v, *du = d + room.d;
    int k_first = first * p->panel_vectors, k_last = last * p->panel_vectors;
    if (k_last > p->k_vectors) k_last = p->k_vectors;
    for (int chunk = 0; chunk < p->blocks; chunk++) {
        FOR_SEGMENTS(p, chunk, s, at)
        {
            k->input(p, v, x, half, s, 0, p->c_vectors, at);
            k->gradient(p, d, dy, half, s, k_first, k_last, at);
        }
        int tiles = winograd_block_tiles(p, chunk);
        for (int panel = first; panel < last; panel++) {
            float *sums = du + winograd_panel_offset(p, panel - first, p->points / 2 * p->points);
            if (p->library)
                add_matrices(p, sums, v, d, panel, tiles, chunk > 0);
            else if (chunk + 1 < p->blocks)
                k->accumulate(p, sums, v, d, panel, tiles, chunk > 0);
            else
                k->accumulate_last(p, du_g, chunk > 0 ? sums : NULL, v, d, half, panel, tiles);
            if (p->library && chunk + 1 == p->blocks) k->transform(p, du_g, sums, half, panel);
        }
    }
}

void winograd_backward_weights(const Conv2dDims *d, float *dw, WinogradInput x, const float *dy,
                               float *scratch)
{
    const WinogradGradTable *k = grad_kernels();
    WinogradPlan p = plan_gradient(d);
    GradientRoom room = gradient_room(&p, parallel_threads());
    float *du_g = scratch;
    int shares = gradient_shares(&p, parallel_threads());
    if (p.segments < 1) return;
#pragma omp parallel num_threads(parallel_threads())
    {
        float *own = scratch + room.du_g + (size_t)parallel_thread() * (room.v + room.d + room.du);
#pragma omp for schedule(dynamic, 1)
        for (int i = 0; i < 2 * shares; i++) {
            int first = i / 2 * p.panels / shares, last = (i / 2 + 1) * p.panels / shares;
            gradient_item(&p, du_g, &x, dy, i % 2, first, last, own);
        }
#pragma omp for schedule(static)
        for (int i = 0; i < p.panels * p.c_vectors; i++)
            k->finish(&p, dw, du_g, i / p.c_vectors, i % p.c_vectors);
    }
}
