#include "ops/winograd.h"

#include "base/parallel.h"
#include "math/product.h"
#include "math/vec.h"
#include "ops/winograd_table.h"

/* Tiles of a block: U is read once per block, and V and M of a block should stay in L2. Of small weights, in floats,
 * U stays there too and blocks may have half as many. */
enum { BLOCK_TILES = 32, LEAST_BLOCK_TILES = 16, SMALL_WEIGHTS = 1 << 18 };
/* The same where a library multiplies: it packs U again in each call, and makes a call for each image. */
enum { LIBRARY_TILES = 64, LIBRARY_SMALL_TILES = 32 };
/* With at most this many tiles U is made late; and the number of floats of U made at a time, which
 * should stay in L2. */
enum { LATE_TILES = 8, LATE_FLOATS = 72 << 10 };
_Static_assert((int)LATE_TILES <= (int)LEAST_BLOCK_TILES / 2, "late tiles are one block");

bool winograd_serves(const Conv2dDims *d)
{
    int pad = d->pad_top;
    bool same = d->pad_bottom == pad && d->pad_left == pad && d->pad_right == pad;
    bool padding = same && (pad == 0 || pad == 1) && d->H + 2 * pad >= 3 && d->W + 2 * pad >= 3;
    return d->R == 3 && d->S == 3 && d->stride == 1 && padding && d->C >= 8 && d->K >= 8;
}

/* F4 wherever it saves products and an image has at least four of its tiles. */
static int tile_size(int H, int W)
{
    int large = winograd_divide_up(H, 4) * winograd_divide_up(W, 4),
        small = winograd_divide_up(H, 2) * winograd_divide_up(W, 2);
    return large >= 4 && 36 * large < 16 * small ? 4 : 2;
}

double winograd_flop(const Conv2dDims *d)
{
    WinogradPlan p = winograd_plan_shape(d, false);
    return 2.0 * p.tiles_h * p.tiles_w * p.points * p.points * d->C * d->K;
}

static const WinogradTable *kernels(void)
{
    return &SIMD_TABLE(winograd_table);
}

size_t winograd_odd_lines(size_t floats)
{
    return ((floats + 15) / 16 | 1) * 16;
}

WinogradPlan winograd_plan_shape(const Conv2dDims *d, bool swap)
{
    int out_H = conv2d_out_height(d), out_W = conv2d_out_width(d);
    WinogradPlan p = {.N = d->N, .H = out_H, .W = out_W, .C = d->C, .K = d->K};
    p.in_H = d->H, p.in_W = d->W, p.pad = d->pad_top;
    if (swap) {
        p.H = d->H, p.W = d->W, p.C = d->K, p.K = d->C;
        p.in_H = out_H, p.in_W = out_W, p.pad = 2 - d->pad_top;
    }
    p.tile = tile_size(p.H, p.W);
    p.points = p.tile + 2;
    p.lanes = kernels()->lanes;
    p.tiles_h = winograd_divide_up(p.H, p.tile);
    p.tiles_w = winograd_divide_up(p.W, p.tile);
    p.row_segments = winograd_divide_up(p.tiles_w, SEGMENT_TILES);
    p.segment_tiles = winograd_divide_up(p.tiles_w, p.row_segments);
    p.segments = d->N * p.tiles_h * p.row_segments;
    p.c_vectors = winograd_divide_up(p.C, p.lanes);
    p.k_vectors = winograd_divide_up(p.K, p.lanes);
    p.library = product_follows_shape();
    p.panel_vectors = p.library ? LIBRARY_PANEL / p.lanes : PANEL_VECTORS;
    if (p.panel_vectors > p.k_vectors && p.library) p.panel_vectors = p.k_vectors;
    p.panels = winograd_divide_up(p.k_vectors, p.panel_vectors);
    p.late = !p.library && p.N * p.tiles_h * p.tiles_w <= LATE_TILES;
    return p;
}

static size_t weights_floats(const WinogradPlan *p)
{
    return (p->late ? 9 : winograd_frequencies(p)) * (size_t)(p->c_vectors * p->lanes) *
           (size_t)(p->k_vectors * p->lanes);
}

void winograd_plan_blocks(WinogradPlan *p, int block_segments, int m_vectors)
{
    p->block_segments = block_segments;
    p->blocks = winograd_divide_up(p->segments, block_segments);
    p->block_tiles = block_segments * p->segment_tiles;
    size_t lanes = (size_t)p->lanes, vector = (size_t)p->block_tiles * lanes;
    p->v_plane = winograd_odd_lines((size_t)p->c_vectors * vector);
    p->m_plane = winograd_odd_lines((size_t)m_vectors * vector);
    p->v_vector = p->m_vector = p->library ? lanes : vector;
    p->v_tile = p->library ? (size_t)p->c_vectors * lanes : lanes;
    p->m_tile = p->library ? (size_t)m_vectors * lanes : lanes;
}

/* Whole images, or an even part of one: the bits of a library's product follow its shape, so that may
 * depend neither on N nor on threads. */
static int library_block_segments(const WinogradPlan *p)
{
    int image = p->tiles_h * p->row_segments, tiles = p->tiles_h * p->tiles_w, parts = 1;
    if (tiles <= LIBRARY_SMALL_TILES) return LIBRARY_SMALL_TILES / tiles * image;
    while (image % parts != 0 || image / parts * p->segment_tiles > LIBRARY_TILES) parts++;
    return image / parts;
}

/* The arithmetic of a tile is the same in every block, so here, and only here, the division may
 * depend on the number of threads. Static schedules of even blocks give each thread the rows of the
 * image that it had in the layer before. */
static WinogradPlan plan_convolution(const Conv2dDims *d, bool swap, int threads)
{
    WinogradPlan p = winograd_plan_shape(d, swap);
    if (p.library) {
        winograd_plan_blocks(&p, library_block_segments(&p), p.panel_vectors);
        return p;
    }
    int blocks = winograd_divide_up(p.segments, BLOCK_TILES / p.segment_tiles);
    int even = winograd_divide_up(blocks, threads) * threads;
    int least = weights_floats(&p) <= SMALL_WEIGHTS ? LEAST_BLOCK_TILES / 2 : LEAST_BLOCK_TILES;
    if (even > 0 && p.segments / even * p.segment_tiles >= least) blocks = even;
    winograd_plan_blocks(&p, blocks > 0 ? winograd_divide_up(p.segments, blocks) : 1,
                         PANEL_VECTORS);
    return p;
}

/* Few blocks: all threads transform the input into one V, then share out blocks and panels. */
static bool plan_is_shared(const WinogradPlan *p, int threads)
{
    return p->late || (threads > 1 && p->blocks % threads != 0 && p->blocks < 4 * threads);
}

/* One block: two threads share out the panels, and each makes V for itself. That takes less time than fetching the
 * half that another core has just written, which is a long way where the two share no cache. */
static bool each_makes_v(const WinogradPlan *p, int threads)
{
    return p->blocks == 1 && threads <= 2;
}

/* U of one panel, made for `count` vectors of input channels at a time. */
typedef struct {
    int count;
    size_t plane; /* floats from one frequency to the next */
} LateRoom;

static LateRoom late_room(const WinogradPlan *p)
{
    int vector = p->points * p->points * PANEL_VECTORS * p->lanes * p->lanes;
    int most = LATE_FLOATS / vector > 0 ? LATE_FLOATS / vector : 1;
    LateRoom r = {.count =
                      winograd_divide_up(p->c_vectors, winograd_divide_up(p->c_vectors, most))};
    r.plane = winograd_odd_lines((size_t)(r.count * PANEL_VECTORS * p->lanes * p->lanes));
    return r;
}

/* M and, where it is made late, U. */
static size_t own_floats(const WinogradPlan *p)
{
    return winograd_frequencies(p) * (p->m_plane + (p->late ? late_room(p).plane : 0));
}

/* The sums of the segments, as doubles. */
static size_t segment_sums_floats(const WinogradPlan *p)
{
    return (size_t)p->segments * 4 * (size_t)(p->k_vectors * p->lanes);
}

static bool is_v_shared(const WinogradPlan *p, int threads)
{
    return plan_is_shared(p, threads) && !each_makes_v(p, threads);
}

static size_t v_floats(const WinogradPlan *p)
{
    return winograd_frequencies(p) * p->v_plane;
}

/* One thread's V, where it is not shared, M and late U. */
static size_t room_floats(const WinogradPlan *p, int threads)
{
    return own_floats(p) + (is_v_shared(p, threads) ? 0 : v_floats(p));
}

static size_t convolution_floats(const WinogradPlan *p, int threads)
{
    size_t shared = is_v_shared(p, threads) ? (size_t)p->blocks * v_floats(p) : 0;
    return segment_sums_floats(p) + shared + (size_t)threads * room_floats(p, threads);
}

size_t winograd_packed_floats(const Conv2dDims *d)
{
    WinogradPlan forward = winograd_plan_shape(d, false), data = winograd_plan_shape(d, true);
    size_t floats = weights_floats(&forward), other = weights_floats(&data);
    return floats > other ? floats : other;
}

size_t winograd_scratch_floats(const Conv2dDims *d, int threads)
{
    WinogradPlan forward = plan_convolution(d, false, threads);
    WinogradPlan data = plan_convolution(d, true, threads);
    size_t most = convolution_floats(&forward, threads), other = convolution_floats(&data, threads);
    most = most > other ? most : other;
    other = winograd_gradient_floats(d, threads);
    return most > other ? most : other;
}

/* The blocks of one thread are the largest. */
size_t winograd_room_floats(const Conv2dDims *d)
{
    WinogradPlan forward = plan_convolution(d, false, 1), data = plan_convolution(d, true, 1);
    size_t f = own_floats(&forward) + v_floats(&forward), b = own_floats(&data) + v_floats(&data);
    return f > b ? f : b;
}

void winograd_pack(const Conv2dDims *d, float *u, const float *w, bool transposed)
{
    const WinogradTable *k = kernels();
    WinogradPlan p = winograd_plan_shape(d, transposed);
#pragma omp parallel for num_threads(parallel_threads()) schedule(static)
    for (int i = 0; i < p.panels * p.c_vectors; i++)
        k->pack(&p, u, w, transposed, i / p.c_vectors, i % p.c_vectors);
}

int winograd_block_tiles(const WinogradPlan *p, int block)
{
    int tiles = 0;
    FOR_SEGMENTS(p, block, s, at) tiles = at + winograd_segment(p, s).tiles;
    return tiles;
}

static void write_block(const WinogradPlan *p, const WinogradOutput *y, const float *m, int block,
                        int panel)
{
    void (*output)(const WinogradPlan *, const WinogradOutput *, const float *, int, int, int) =
        SIMD_TABLE(winograd_output_table).output;
    FOR_SEGMENTS(p, block, s, at) output(p, y, m, s, panel, at);
}

/* M of one panel by a library: one product for each frequency. */
static void multiply_matrices(const WinogradPlan *p, float *m, const float *v,
                              const WinogradStretch *u, int tiles)
{
    int C = p->c_vectors * p->lanes, K = u->vectors * p->lanes;
    Product product = {.M = tiles, .N = K, .K = C, .lda = C, .ldb = K, .alpha = 1};
    product.image_rows = p->tiles_h * p->tiles_w;
    product.ldc = (int)p->m_tile;
    for (size_t f = 0; f < winograd_frequencies(p); f++) {
        product.a = v + f * p->v_plane;
        product.b = u->u + f * u->plane;
        product.c = m + f * p->m_plane;
        product_run_here(&product, NULL);
    }
}

static void multiply_and_write(const WinogradPlan *p, const WinogradOutput *y,
                               const WinogradInput *x, float *m, const float *v, const float *u,
                               int block, int panel)
{
    int vectors = winograd_panel_vectors(p, panel);
    WinogradStretch all = {.u = u + winograd_panel_offset(p, panel, p->points * p->points),
                           .plane = (size_t)(p->c_vectors * p->lanes * vectors * p->lanes),
                           .vectors = vectors,
                           .count = p->c_vectors};
    winograd_set_soon(p, &all, y, x, block, panel);
    if (p->library)
        multiply_matrices(p, m, v, &all, winograd_block_tiles(p, block));
    else
        kernels()->multiply(p, m, v, &all, winograd_block_tiles(p, block));
    write_block(p, y, m, block, panel);
}

static float *own_room(const WinogradMemory *memory)
{
    return memory->rooms + (size_t)parallel_thread() * memory->room_step;
}

static void convolve_private(const WinogradPlan *p, const WinogradOutput *y, const WinogradInput *x,
                             const float *u, const WinogradMemory *memory)
{
#pragma omp parallel for num_threads(parallel_threads()) schedule(static)
    for (int block = 0; block < p->blocks; block++) {
        float *v = own_room(memory), *m = v + v_floats(p);
        FOR_SEGMENTS(p, block, s, at)
        kernels()->input(p, v, x, s, 0, p->c_vectors, at);
        for (int panel = 0; panel < p->panels; panel++)
            multiply_and_write(p, y, x, m, v, u, block, panel);
    }
}

/* Item i of segments and vectors of channels: its part of the V of all blocks. */
static void input_item(const WinogradPlan *p, float *v, const WinogradInput *x, int i)
{
    int segment = i / p->c_vectors, block = segment / p->block_segments, at = 0;
    for (int s = block * p->block_segments; s < segment; s++) at += winograd_segment(p, s).tiles;
    kernels()->input(p, v + (size_t)block * winograd_frequencies(p) * p->v_plane, x, segment,
                     i % p->c_vectors, i % p->c_vectors + 1, at);
}

/* One panel, stretch by stretch of the input channels: U is made in the cache, and while all tiles
 * pass over it the packed weights of the next stretch are fetched. */
static void late_panel(const WinogradPlan *p, const WinogradOutput *y, const float *v,
                       const float *packed, int panel, float *m)
{
    const WinogradTable *k = kernels();
    LateRoom room = late_room(p);
    float *u = m + winograd_frequencies(p) * p->m_plane;
    int vectors = winograd_panel_vectors(p, panel), tiles = winograd_block_tiles(p, 0);
    packed += winograd_panel_offset(p, panel, 9);
    for (int first = 0; first < p->c_vectors; first += room.count) {
        int left = p->c_vectors - first;
        WinogradStretch s = {.u = u, .plane = room.plane, .vectors = vectors, .first = first};
        s.count = left < room.count ? left : room.count;
        s.next_floats = (size_t)(s.count * p->lanes) * 9 * (size_t)(vectors * p->lanes);
        s.next = packed + s.next_floats;
        k->transform(p, u, packed, &s);
        k->multiply(p, m, v, &s, tiles);
        packed += s.next_floats;
    }
    write_block(p, y, m, 0, panel);
}

/* The sums of a panel's channels: those of the segments, in order within each image. */
static void add_segment_sums(const WinogradPlan *p, const WinogradOutput *y, int panel)
{
    int rows = p->tiles_h * p->row_segments, first = panel * p->panel_vectors * p->lanes;
    int end = first + winograd_panel_vectors(p, panel) * p->lanes, last = end < p->K ? end : p->K;
    size_t width = (size_t)(p->k_vectors * p->lanes);
    for (int i = 0; i < p->N * 2; i++) {
        const double *from = y->segment_sums + (size_t)(i / 2 * rows * 2 + i % 2) * width;
        double *to = y->sums + (size_t)i * (size_t)p->K;
        for (int k = first; k < last; k++) to[k] = from[k];
        for (int r = 1; r < rows; r++)
            for (int k = first; k < last; k++) to[k] += from[(size_t)r * 2 * width + (size_t)k];
    }
}

static void convolve_panels(const WinogradPlan *p, const WinogradOutput *y, const WinogradInput *x,
                            const float *u, const WinogradMemory *memory)
{
#pragma omp parallel num_threads(parallel_threads())
    {
        float *v = own_room(memory), *m = v + v_floats(p);
        FOR_SEGMENTS(p, 0, s, at)
        kernels()->input(p, v, x, s, 0, p->c_vectors, at);
        /* Static: what is fetched after one panel belongs to the next panel of the same thread. */
#pragma omp for schedule(static) nowait
        for (int i = 0; i < p->panels; i++) {
            if (p->late)
                late_panel(p, y, v, u, i, m);
            else
                multiply_and_write(p, y, NULL, m, v, u, 0, i);
            if (y->sums) add_segment_sums(p, y, i);
        }
    }
}

static void convolve_shared(const WinogradPlan *p, const WinogradOutput *y, const WinogradInput *x,
                            const float *u, const WinogradMemory *memory)
{
#pragma omp parallel num_threads(parallel_threads())
    {
        float *own = own_room(memory), *v = memory->scratch; /* V of all blocks */
#pragma omp for schedule(static)
        for (int i = 0; i < p->segments * p->c_vectors; i++) input_item(p, v, x, i);
        if (p->late) {
#pragma omp for schedule(static)
            for (int i = 0; i < p->panels; i++) late_panel(p, y, v, u, i, own);
        } else {
#pragma omp for schedule(dynamic, 1)
            for (int i = 0; i < p->blocks * p->panels; i++) {
                int block = i % p->blocks, panel = i / p->blocks;
                const float *from = v + (size_t)block * v_floats(p);
                multiply_and_write(p, y, NULL, own, from, u, block, panel);
            }
        }
    }
}

void winograd_convolve(const Conv2dDims *d, bool transposed, WinogradOutput y, WinogradInput x,
                       const float *u, WinogradMemory memory)
{
    int threads = parallel_threads();
    WinogradPlan p = plan_convolution(d, transposed, threads);
    bool shared = is_v_shared(&p, threads), panels = !shared && plan_is_shared(&p, threads);
    if (y.sums) {
        y.segment_sums = (double *)(void *)memory.scratch;
        memory.scratch += segment_sums_floats(&p);
    }
    if (!memory.rooms) {
        memory.rooms = memory.scratch + (shared ? (size_t)p.blocks * v_floats(&p) : 0);
        memory.room_step = room_floats(&p, threads);
    }
    if (panels)
        convolve_panels(&p, &y, &x, u, &memory);
    else if (shared)
        convolve_shared(&p, &y, &x, u, &memory);
    else
        convolve_private(&p, &y, &x, u, &memory);
    if (!y.sums || panels) return;
#pragma omp parallel for num_threads(parallel_threads()) schedule(static)
    for (int i = 0; i < p.panels; i++) add_segment_sums(&p, &y, i);
}
