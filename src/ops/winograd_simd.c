/* Winograd convolution at one instruction set: weights, input transform, products. F(4,3) and F(2,3)
 * are the same code with m constant. */
#include "math/vec_shuffle.h"
#include "ops/winograd_points.h"

/* ---- Weights ---- */

/* The 3x3 weights of one input channel and a vector of output channels from k on. */
LANES_INLINE void read_weights(const WinogradPlan *p, const float *w, int c, int k, Lanes *g)
{
    int left = p->K - k < LANES ? p->K - k : LANES;
    for (int i = 0; i < 9; i++)
        g[i] =
            lanes_load(w + ((size_t)i * (size_t)p->C + (size_t)c) * (size_t)p->K + k, (size_t)left);
}

/* The same for the data gradient, for a vector of channels from c on: w is [3,3,K,C] in the plan's
 * letters, read turned by 180 degrees and transposed. */
LANES_INLINE void read_turned(const WinogradPlan *p, const float *w, int c, int k,
                              Lanes (*g)[LANES])
{
    int left = p->K - k < LANES ? p->K - k : LANES, channels = p->C - c < LANES ? p->C - c : LANES;
    for (int i = 0; i < 9; i++) {
        const float *from = w + ((size_t)(8 - i) * (size_t)p->K + (size_t)k) * (size_t)p->C + c;
        Lanes r[LANES];
        for (int j = 0; j < LANES; j++, from += p->C)
            r[j] = j < left ? lanes_load(from, (size_t)channels) : (Lanes){0};
        lanes_transpose(r);
        for (int l = 0; l < LANES; l++) g[i][l] = r[l];
    }
}

/* U of a vector of output channels for one input channel, `plane` floats from frequency to
 * frequency. */
LANES_INLINE void transform_vector(float *to, size_t plane, const Lanes *g, int m, bool past_cache)
{
    Lanes rows[3][MOST_POINTS];
    const int n = m + 2;
    LANES_UNROLL
    for (int s = 0; s < 3; s++) {
        Lanes column[3] = {g[s], g[3 + s], g[6 + s]};
        weight_points(m, column, rows[s]);
    }
    LANES_UNROLL
    for (int r = 0; r < n; r++) {
        Lanes row[3] = {rows[0][r], rows[1][r], rows[2][r]}, o[MOST_POINTS];
        weight_points(m, row, o);
        LANES_UNROLL
        for (int s = 0; s < n; s++, to += plane) {
            if (past_cache)
                lanes_stream(to, o[s]);
            else
                lanes_store(to, o[s], LANES);
        }
    }
}

/* What becomes of the weights. */
typedef enum { STORE, STREAM, PACK } Form;

LANES_INLINE void pack_tile(const WinogradPlan *p, float *u, const float *w, bool transposed,
                            int panel, int c_vector, int m, Form form)
{
    int points = form == PACK ? 9 : (m + 2) * (m + 2);
    int width = winograd_panel_vectors(p, panel) * LANES;
    size_t plane = (size_t)(p->c_vectors * LANES) * (size_t)width;
    u += winograd_panel_offset(p, panel, points);
    for (int j = 0; j < width; j += LANES) {
        int first = c_vector * LANES, k = panel * p->panel_vectors * LANES + j;
        Lanes turned[9][LANES];
        if (transposed) read_turned(p, w, first, k, turned);
        for (int l = 0; l < LANES; l++) {
            Lanes g[9] = {0};
            int c = first + l;
            if (transposed)
                for (int i = 0; i < 9; i++) g[i] = turned[i][l];
            else if (c < p->C)
                read_weights(p, w, c, k, g);
            if (form == PACK)
                for (int i = 0; i < 9; i++)
                    lanes_store(u + ((size_t)c * 9 + (size_t)i) * (size_t)width + j, g[i], LANES);
            else
                transform_vector(u + (size_t)c * (size_t)width + j, plane, g, m, form == STREAM);
        }
    }
}

static void pack(const WinogradPlan *p, float *u, const float *w, bool transposed, int panel,
                 int c_vector)
{
    /* The weights of a network are larger than the cache. */
    bool past_cache = LANES == LINE_FLOATS && (uintptr_t)u % (LINE_FLOATS * sizeof *u) == 0;
    if (p->late)
        pack_tile(p, u, w, transposed, panel, c_vector, 0, PACK);
    else if (p->tile == 2)
        pack_tile(p, u, w, transposed, panel, c_vector, 2, STORE);
    else if (past_cache)
        pack_tile(p, u, w, transposed, panel, c_vector, 4, STREAM);
    else
        pack_tile(p, u, w, transposed, panel, c_vector, 4, STORE);
    if (past_cache) lanes_stream_end();
}

LANES_INLINE void transform_tile(float *u, size_t plane, const float *packed, const int vectors,
                                 int count, const int m)
{
    const int width = vectors * LANES;
    for (int c = 0; c < count * LANES; c++, u += width, packed += 9 * width) {
        LANES_UNROLL
        for (int j = 0; j < vectors; j++) {
            Lanes g[9];
            for (int i = 0; i < 9; i++) g[i] = lanes_load(packed + i * width + j * LANES, LANES);
            transform_vector(u + j * LANES, plane, g, m, false);
        }
    }
}

static void transform(const WinogradPlan *p, float *u, const float *packed,
                      const WinogradStretch *s)
{
    _Static_assert(PANEL_VECTORS == 2, "one or two vectors a panel");
    if (s->vectors == 2)
        WITH_TILE(p, transform_tile(u, s->plane, packed, 2, s->count, TILE));
    else
        WITH_TILE(p, transform_tile(u, s->plane, packed, 1, s->count, TILE));
}

static void input(const WinogradPlan *p, float *v, const WinogradInput *x, int segment, int first,
                  int last, int at)
{
    WITH_TILE(p, input_transform(p, v, x, segment, first, last, at, TILE, HALVES));
}

/* ---- Products ---- */

/* The number of rows leaves registers for two vectors of U and one broadcast value. */
#if LANES == 16
#define ROWS 14
#elif defined(__aarch64__)
#define ROWS 8
#else
#define ROWS 6
#endif

/* The lines that are fetched in a step over a vector of channels. With vectors of 8 six groups of tiles share what a
 * block fetches, and an instruction saved counts. */
enum { STEP_FETCHES = LANES == 8 ? 2 : LANES };

/* m[i][j] (+)= sum over channels of v[i] u[j], i < rows tiles, j < vectors of output channels: one
 * running sum per element in the order of the channels, whatever `rows` is. `steps` vectors of
 * channels, v_step floats apart; m_step between the vectors of m. STEP_FETCHES times a step the line `ahead`
 * floats after `fetch` is fetched, then fetch_step further on. */
LANES_INLINE void product(const int rows, const int vectors, int steps, const float *v,
                          size_t v_step, const float *u, const float *fetch, size_t ahead,
                          size_t fetch_step, float *m, size_t m_step, bool add)
{
    Lanes sum[ROWS][PANEL_VECTORS];
    LANES_UNROLL
    for (int i = 0; i < rows; i++) {
        LANES_UNROLL
        for (int j = 0; j < vectors; j++)
            sum[i][j] = add ? lanes_load(m + (size_t)j * m_step + i * LANES, LANES) : (Lanes){0};
    }
    do {
        for (int l = 0; l < LANES; l++, u += vectors * LANES) {
            Lanes b[PANEL_VECTORS];
            LANES_UNROLL
            for (int j = 0; j < vectors; j++) b[j] = lanes_load(u + j * LANES, LANES);
            if (l % (LANES / STEP_FETCHES) == 0) fetch_ahead(fetch, ahead), ahead += fetch_step;
            LANES_UNROLL
            for (int i = 0; i < rows; i++) {
                Lanes a = lanes_set(v[i * LANES + l]);
                LANES_UNROLL
                for (int j = 0; j < vectors; j++) lanes_accumulate(&sum[i][j], a, b[j]);
            }
        }
        v += v_step;
    } while (--steps > 0);
    LANES_UNROLL
    for (int i = 0; i < rows; i++) {
        LANES_UNROLL
        for (int j = 0; j < vectors; j++)
            lanes_store(m + (size_t)j * m_step + i * LANES, sum[i][j], LANES);
    }
}

typedef void (*Product)(int steps, const float *v, size_t v_step, const float *u,
                        const float *fetch, size_t ahead, size_t fetch_step, float *m,
                        size_t m_step, bool add);
#define PRODUCT(R, vectors)                                                                        \
    static void product_##R##_##vectors(int steps, const float *v, size_t v_step, const float *u,  \
                                        const float *fetch, size_t ahead, size_t fetch_step,       \
                                        float *m, size_t m_step, bool add)                         \
    {                                                                                              \
        product(R, vectors, steps, v, v_step, u, fetch, ahead, fetch_step, m, m_step, add);        \
    }
#define PRODUCTS(R)                                                                                \
    PRODUCT(R, 1) PRODUCT(R, 2) _Static_assert(R <= ROWS, "more rows than registers")
#define ENTRY(R)                                                                                   \
    {                                                                                              \
        product_##R##_1, product_##R##_2                                                           \
    }
PRODUCTS(1);
PRODUCTS(2);
PRODUCTS(3);
PRODUCTS(4);
PRODUCTS(5);
PRODUCTS(6);
#if ROWS > 6
PRODUCTS(7);
PRODUCTS(8);
#endif
#if ROWS > 8
PRODUCTS(9);
PRODUCTS(10);
PRODUCTS(11);
PRODUCTS(12);
PRODUCTS(13);
PRODUCTS(14);
#endif
static const Product products[ROWS][PANEL_VECTORS] = {
    ENTRY(1), ENTRY(2),  ENTRY(3),  ENTRY(4),  ENTRY(5),  ENTRY(6),
#if ROWS > 6
    ENTRY(7), ENTRY(8),
#endif
#if ROWS > 8
    ENTRY(9), ENTRY(10), ENTRY(11), ENTRY(12), ENTRY(13), ENTRY(14),
#endif
};

/* Memory that the products fetch while they run: `step` floats for each fetch. */
typedef struct {
    const float *from;
    size_t at, end, step;
} Fetch;

/* So many vectors of channels, whose part of U is 16 KiB, stay in L1 while the tiles pass over them,
 * and the following 16 KiB are fetched meanwhile; or, spread evenly over all products, what the
 * caller names: faster, and the fetching would hold up the transform that comes after it. */
enum { L1_STEPS = 4096 / (PANEL_VECTORS * LANES * LANES) };

/* The lines to fetch for what follows the products: so many before each product. */
typedef struct {
    WinogradLines lines[WINOGRAD_SOON];
    int now;
    size_t each;
} Soon;

static inline void fetch_soon(Soon *s)
{
    for (size_t left = s->each; left > 0 && s->now < WINOGRAD_SOON;) {
        WinogradLines *l = &s->lines[s->now];
        size_t count = left < l->count ? left : l->count;
        const float *from = l->from;
        for (size_t i = 0, step = l->step; i < count; i++, from += step)
            __builtin_prefetch(from, 0, 2);
        l->from = from, l->count -= count, left -= count;
        if (l->count == 0) s->now++;
    }
}

static Soon spread_soon(const WinogradStretch *all, size_t calls)
{
    Soon s = {.now = 0};
    size_t lines = 0;
    for (int i = 0; i < WINOGRAD_SOON; i++) s.lines[i] = all->soon[i], lines += all->soon[i].count;
    s.each = (lines + calls - 1) / calls;
    return s;
}

static void multiply(const WinogradPlan *p, float *m, const float *v, const WinogradStretch *all,
                     int tiles)
{
    int vectors = all->vectors, groups = (tiles + ROWS - 1) / ROWS, last = all->first + all->count;
    size_t step = (size_t)p->block_tiles * LANES;
    const float *plane = all->u;
    Fetch fetch = {.from = all->next, .end = all->next ? all->next_floats : 0};
    fetch.step = fetch.end / (size_t)(p->points * p->points * all->count * STEP_FETCHES);
    if (fetch.step > LINE_FLOATS || !all->next) fetch.step = LINE_FLOATS;
    size_t stretches = (size_t)((all->count + L1_STEPS - 1) / L1_STEPS);
    Soon soon = spread_soon(all, winograd_frequencies(p) * stretches * (size_t)groups);
    for (int f = 0; f < p->points * p->points; f++, v += p->v_plane, m += p->m_plane) {
        const float *u = plane;
        for (int s = all->first; s < last; s += L1_STEPS) {
            int steps = last - s < L1_STEPS ? last - s : L1_STEPS;
            size_t size = (size_t)(steps * LANES) * (size_t)(vectors * LANES);
            if (!all->next) fetch.from = u, fetch.at = size, fetch.end = 2 * size;
            for (int g = 0, row = 0; g < groups; g++) {
                int rows = tiles / groups + (g < tiles % groups);
                bool more = fetch.at < fetch.end;
                if (WINOGRAD_FETCHES) fetch_soon(&soon);
                products[rows - 1][vectors - 1](steps, v + (size_t)s * step + row * LANES, step, u,
                                                more ? fetch.from : u, more ? fetch.at : 0,
                                                fetch.step, m + row * LANES, step, s > 0);
                row += rows, fetch.at += (size_t)(steps * STEP_FETCHES) * fetch.step;
            }
            u += size;
        }
        plane += all->plane;
    }
}

const WinogradTable SIMD_TABLE_HERE(winograd_table) = {
    .lanes = LANES,
    .pack = pack,
    .transform = transform,
    .input = input,
    .multiply = multiply,
};
