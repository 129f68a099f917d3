/* The products at one instruction set: packing of B and the register tile. */
#include "math/product_table.h"
#include "math/vec_shuffle.h"

#define UNROLL LANES_UNROLL

enum { PANEL_FLOATS = PRODUCT_PANEL * LANES, LINE_FLOATS = 16 /* a cache line */ };

static int min_int(int a, int b)
{
    return a < b ? a : b;
}

static int panel_vectors(const Product *p, int panel)
{
    return min_int(PRODUCT_PANEL, (p->N - panel * PANEL_FLOATS + LANES - 1) / LANES);
}

/* ---- Packing ---- */

/* One vector of columns: each of `count` rows of b gives one lane. */
static void pack_transposed(float *to, size_t width, const float *b, size_t ldb, int count, int K)
{
    for (int k = 0; k < K; k += LANES) {
        int steps = min_int(LANES, K - k);
        Lanes r[LANES];
        if (count == LANES && steps == LANES) {
            UNROLL
            for (int j = 0; j < LANES; j++) r[j] = lanes_load(b + (size_t)j * ldb + k, LANES);
        } else {
            for (int j = 0; j < LANES; j++)
                r[j] = j < count ? lanes_load(b + (size_t)j * ldb + k, (size_t)steps) : (Lanes){0};
        }
        lanes_transpose(r);
        if (steps == LANES) {
            UNROLL
            for (int l = 0; l < LANES; l++, to += width) lanes_store(to, r[l], LANES);
        } else {
            for (int l = 0; l < steps; l++, to += width) lanes_store(to, r[l], LANES);
        }
    }
}

static void pack(const Product *p, float *packed, int panel)
{
    int column = panel * PANEL_FLOATS, vectors = panel_vectors(p, panel);
    size_t width = (size_t)vectors * LANES, ldb = (size_t)p->ldb;
    float *to = packed + (size_t)column * (size_t)p->K;
    for (int j = 0; j < vectors; j++, column += LANES, to += LANES) {
        int count = min_int(LANES, p->N - column);
        if (p->transpose_b) {
            pack_transposed(to, width, p->b + (size_t)column * ldb, ldb, count, p->K);
            continue;
        }
        const float *b = p->b + column;
        for (size_t k = 0; k < (size_t)p->K; k++)
            lanes_store(to + k * width, lanes_load(b + k * ldb, (size_t)count), LANES);
    }
}

/* ---- The tile ---- */

/* The number of rows leaves registers for two vectors of B and one broadcast value. */
#if LANES == 16
#define ROWS 14
#elif defined(__aarch64__)
#define ROWS 8
#else
#define ROWS 6
#endif

/* Pointers to every third row: with the distance in one register, each pointer reaches three rows. */
enum { ROW_POINTERS = (ROWS + 2) / 3, UNROLLED = LANES == 8 ? 8 : 4, AHEAD = 16, SHORT_SUM = 64 };

LANES_INLINE void add_products(const int rows, const int vectors, Lanes (*sum)[PRODUCT_PANEL],
                               const float *a, const float *b)
{
    Lanes v[PRODUCT_PANEL];
    UNROLL
    for (int j = 0; j < vectors; j++) v[j] = lanes_load(b + j * LANES, LANES);
    UNROLL
    for (int i = 0; i < rows; i++) {
        Lanes x = lanes_set(a[i]);
        UNROLL
        for (int j = 0; j < vectors; j++) lanes_accumulate(&sum[i][j], x, v[j]);
    }
}

/* The same, and row i from pointer i / 3. */
LANES_INLINE void add_row_products(const int rows, const int vectors, Lanes (*sum)[PRODUCT_PANEL],
                                   const float *const *a, size_t row_step, int k, const float *b)
{
    Lanes v[PRODUCT_PANEL];
    UNROLL
    for (int j = 0; j < vectors; j++) v[j] = lanes_load(b + j * LANES, LANES);
    UNROLL
    for (int i = 0; i < rows; i++) {
        Lanes x = lanes_set(a[i / 3][(size_t)(i % 3) * row_step + (size_t)k]);
        UNROLL
        for (int j = 0; j < vectors; j++) lanes_accumulate(&sum[i][j], x, v[j]);
    }
}

/* A transposed: the rows' values of one k lie side by side. */
LANES_INLINE void sum_transposed(const int rows, const int vectors, Lanes (*sum)[PRODUCT_PANEL],
                                 int K, const float *a, size_t lda, const float *b, size_t b_step)
{
    int k = 0;
    for (; k + UNROLLED <= K; k += UNROLLED) {
        UNROLL
        for (int l = 0; l < UNROLLED; l++, a += lda, b += b_step) {
            __builtin_prefetch(a + AHEAD * lda);
            add_products(rows, vectors, sum, a, b);
        }
    }
    for (; k < K; k++, a += lda, b += b_step) add_products(rows, vectors, sum, a, b);
}

LANES_INLINE void sum_straight(const int rows, const int vectors, Lanes (*sum)[PRODUCT_PANEL],
                               int K, const float *a, size_t lda, const float *b, size_t b_step,
                               bool fetch_next)
{
    const int pointers = (rows + 2) / 3;
    const float *next = a + (fetch_next ? (size_t)rows * lda : 0);
    const size_t next_step = fetch_next ? (size_t)rows * UNROLLED : 0;
    const float *row[ROW_POINTERS];
    UNROLL
    for (int i = 0; i < pointers; i++) row[i] = a + (size_t)(3 * i) * lda;
    int k = 0;
    for (; k + UNROLLED <= K; k += UNROLLED, next += next_step) {
        for (int l = 0; l < rows * UNROLLED; l += LINE_FLOATS) __builtin_prefetch(next + l);
        UNROLL
        for (int l = 0; l < UNROLLED; l++, b += b_step) {
            add_row_products(rows, vectors, sum, row, lda, l, b);
            KEEP_IN_REGISTER(lda);
        }
        UNROLL
        for (int i = 0; i < pointers; i++) {
            row[i] += UNROLLED;
            KEEP_IN_REGISTER(row[i]);
        }
    }
    for (int l = 0; k < K; k++, l++, b += b_step)
        add_row_products(rows, vectors, sum, row, lda, l, b);
}

/* alpha sum + bias + beta d */
LANES_INLINE Lanes finish(const Product *p, Lanes sum, Lanes bias, const float *d, size_t k)
{
    Lanes y = lanes_fma(lanes_set(p->alpha), sum, bias);
    return d ? lanes_fma(lanes_set(p->beta), lanes_load(d, k), y) : y;
}

/* The part of a tile whose columns do not fill a vector; at most one in a row of tiles. */
static __attribute__((noinline)) void store_cut(const Product *p, const float *sums, int row,
                                                int rows, int column, int columns)
{
    for (int i = row; i < row + rows; i++, sums += PANEL_FLOATS) {
        for (int j = 0; j < columns; j += LANES) {
            size_t k = (size_t)min_int(LANES, columns - j), at = (size_t)(column + j);
            Lanes bias = p->bias ? lanes_load(p->bias + at, k) : (Lanes){0};
            const float *d = p->beta != 0 ? p->d + (size_t)i * (size_t)p->ldd + at : NULL;
            lanes_store(p->c + (size_t)i * (size_t)p->ldc + at,
                        finish(p, lanes_load(sums + j, LANES), bias, d, k), k);
        }
    }
}

LANES_INLINE void store_whole(const int rows, const int vectors, const Product *p,
                              Lanes (*sum)[PRODUCT_PANEL], int row, int column)
{
    size_t ldc = (size_t)p->ldc, ldd = (size_t)p->ldd;
    float *c = p->c + (size_t)row * ldc + (size_t)column;
    Lanes bias[PRODUCT_PANEL] = {0};
    if (p->bias)
        for (int j = 0; j < vectors; j++) bias[j] = lanes_load(p->bias + column + j * LANES, LANES);
    if (p->beta == 0) {
        UNROLL
        for (int i = 0; i < rows; i++, c += ldc) UNROLL
        for (int j = 0; j < vectors; j++)
            lanes_store(c + j * LANES, finish(p, sum[i][j], bias[j], NULL, LANES), LANES);
        return;
    }
    const float *d = p->d + (size_t)row * ldd + (size_t)column;
    UNROLL
    for (int i = 0; i < rows; i++, c += ldc, d += ldd) UNROLL
    for (int j = 0; j < vectors; j++)
        lanes_store(c + j * LANES, finish(p, sum[i][j], bias[j], d + j * LANES, LANES), LANES);
}

/* Prefetches D, which is read when the sums are done; the hardware cannot predict this order. The
 * lines of this tile, or of the next where the sums end before memory answers. */
LANES_INLINE void fetch(const int rows, const Product *p, int row, int column)
{
    int first = p->K < SHORT_SUM ? row + rows : row;
    const float *d = p->d + (size_t)first * (size_t)p->ldd + (size_t)column;
    for (int i = 0; i < rows; i++, d += p->ldd)
        for (int j = 0; j < PANEL_FLOATS; j += LINE_FLOATS) __builtin_prefetch(d + j, 1);
}

LANES_INLINE void tile(const int rows, const int vectors, const bool transposed, const Product *p,
                       int row, int column, const float *b, size_t b_step)
{
    Lanes sum[ROWS][PRODUCT_PANEL];
    UNROLL
    for (int i = 0; i < rows; i++) UNROLL
    for (int j = 0; j < vectors; j++) sum[i][j] = (Lanes){0};
    if (p->beta != 0) fetch(rows, p, row, column);
    size_t first = (size_t)row;
    if (transposed) {
        sum_transposed(rows, vectors, sum, p->K, p->a + first, (size_t)p->lda, b, b_step);
    } else {
        /* One call of the loop serves both parts of A: two calls would compile it twice. */
        const float *a = p->a;
        int K = p->a_rest ? p->K_a : p->K, lda = p->lda;
        for (int done = 0; done < p->K; done += K, b += (size_t)K * b_step) {
            if (done > 0) a = p->a_rest, lda = p->lda_rest, K = p->K - done;
            sum_straight(rows, vectors, sum, K, a + first * (size_t)lda, (size_t)lda, b, b_step,
                         column == 0 && lda == K);
        }
    }
    int columns = p->N - column;
    if (columns >= vectors * LANES) {
        store_whole(rows, vectors, p, sum, row, column);
        return;
    }
    _Alignas(64) float sums[ROWS * PANEL_FLOATS];
    UNROLL
    for (int i = 0; i < rows; i++) UNROLL
    for (int j = 0; j < vectors; j++)
        lanes_store(sums + i * PANEL_FLOATS + j * LANES, sum[i][j], LANES);
    store_cut(p, sums, row, rows, column, columns);
}

typedef void (*Tile)(const Product *p, int row, int column, const float *b, size_t b_step);
#define TILE(R, V, NAME, TRANSPOSED)                                                               \
    static void NAME##_##R##_##V(const Product *p, int row, int column, const float *b,            \
                                 size_t b_step)                                                    \
    {                                                                                              \
        tile(R, V, TRANSPOSED, p, row, column, b, b_step);                                         \
    }
#define TILES(R)                                                                                   \
    TILE(R, 1, straight, false)                                                                    \
    TILE(R, 2, straight, false) TILE(R, 1, transposed, true) TILE(R, 2, transposed, true)
#define ENTRY(R)                                                                                   \
    {                                                                                              \
        {straight_##R##_1, straight_##R##_2},                                                      \
        {                                                                                          \
            transposed_##R##_1, transposed_##R##_2                                                 \
        }                                                                                          \
    }
/* clang-format off */
TILES(1) TILES(2) TILES(3) TILES(4) TILES(5) TILES(6)
#if ROWS > 6
TILES(7) TILES(8)
#endif
#if ROWS > 8
TILES(9) TILES(10) TILES(11) TILES(12) TILES(13) TILES(14)
#endif
static const Tile tiles[ROWS][2][PRODUCT_PANEL] = {
    ENTRY(1), ENTRY(2), ENTRY(3), ENTRY(4), ENTRY(5), ENTRY(6),
#if ROWS > 6
    ENTRY(7), ENTRY(8),
#endif
#if ROWS > 8
    ENTRY(9), ENTRY(10), ENTRY(11), ENTRY(12), ENTRY(13), ENTRY(14),
#endif
};
/* clang-format on */

static void run(const Product *p, const float *packed, int first_row, int last_row, int first_panel,
                int last_panel)
{
    int rows = last_row - first_row, groups = (rows + ROWS - 1) / ROWS;
    for (int panel = first_panel; panel < last_panel; panel++) {
        int column = panel * PANEL_FLOATS, vectors = panel_vectors(p, panel);
        const float *b = packed ? packed + (size_t)column * (size_t)p->K : p->b + column;
        size_t b_step = packed ? (size_t)vectors * LANES : (size_t)p->ldb;
        for (int g = 0, row = first_row; g < groups; g++) {
            int count = rows / groups + (g < rows % groups);
            tiles[count - 1][p->transpose_a][vectors - 1](p, row, column, b, b_step);
            row += count;
        }
    }
}

const ProductTable SIMD_TABLE_HERE(product_table) = {
    .lanes = LANES,
    .rows = ROWS,
    .pack = pack,
    .run = run,
};
