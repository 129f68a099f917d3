#include "ops/conv2d_thin.h"

#include "math/vec_shuffle.h"

enum {
    PIXELS = LANES == 16 ? 8 : 4, /* whose sums, two vectors each, are in registers at a time */
};

static const float *pixel(const ThinTile *t, size_t row, size_t col)
{
    return t->source + row * t->down + col * t->across;
}

/* ---- few inputs */

LANES_INLINE void inputs_block(const ThinTile *t, size_t row, size_t col, size_t i, size_t k,
                               int pixels, int columns)
{
    Lanes sum[2 * PIXELS];
    LANES_UNROLL for (int j = 0; j < pixels * columns; j++)
    {
        size_t at = i + (size_t)(j % columns) * LANES;
        sum[j] = t->bias ? lanes_load(t->bias + at, k) : lanes_set(0);
    }
    const float *x = pixel(t, row, col), *w = t->w + i;
    const size_t K = t->K, width = t->width, across = t->across;
    for (size_t r = 0; r < t->taps; r++, x += t->row) {
        for (size_t q = 0; q < width; q++, w += K) {
            Lanes v[2];
            LANES_UNROLL for (int c = 0; c < columns; c++) v[c] =
                lanes_load(w + (size_t)c * LANES, k);
            LANES_UNROLL for (int j = 0; j < pixels * columns; j++)
            {
                Lanes a = lanes_set(x[(size_t)(j / columns) * across + q]);
                sum[j] = lanes_fma(a, v[j % columns], sum[j]);
            }
        }
    }
    float *y = t->y + (row * t->cols + col) * K + i;
    LANES_UNROLL for (int j = 0; j < pixels * columns; j++)
    {
        float *at = y + (size_t)(j / columns) * K + (size_t)(j % columns) * LANES;
        lanes_store(at, t->add ? lanes_load(at, k) + sum[j] : sum[j], k);
    }
}

LANES_INLINE void inputs_columns(const ThinTile *t, size_t i, size_t k, int columns)
{
    for (size_t row = 0; row < t->rows; row++) {
        size_t col = 0;
        for (; col + PIXELS <= t->cols; col += PIXELS)
            inputs_block(t, row, col, i, k, PIXELS, columns);
        for (; col < t->cols; col++) inputs_block(t, row, col, i, k, 1, columns);
    }
}

static void few_inputs(const ThinTile *tile)
{
    const ThinTile t = *tile;
    size_t i = 0;
    for (; i + 2 * LANES <= t.K; i += 2 * LANES) inputs_columns(&t, i, LANES, 2);
    for (; i + LANES <= t.K; i += LANES) inputs_columns(&t, i, LANES, 1);
    if (i < t.K) inputs_columns(&t, i, t.K - i, 1);
}

/* ---- few outputs */

/* Lanes with bit h clear: a[l] + a[l + h]; the others: b[l] + b[l - h]. */
#define SAME(l, h)    ((l) & (h) ? LANES + (l) : (l))
#define OTHER(l, h)   (SAME(l, h) ^ (h))
#define FOUR(f, l, h) f(l, h), f((l) + 1, h), f((l) + 2, h), f((l) + 3, h)
#if LANES == 16
#define EACH(f, h) FOUR(f, 0, h), FOUR(f, 4, h), FOUR(f, 8, h), FOUR(f, 12, h)
#elif LANES == 8
#define EACH(f, h) FOUR(f, 0, h), FOUR(f, 4, h)
#else
#define EACH(f, h) FOUR(f, 0, h)
#endif
#define HALVES(v, h)                                                                               \
    LANES_UNROLL for (int i = 0; i < (h); i++)(v)[i] =                                             \
        LANES_SHUFFLE((v)[i], (v)[i + (h)], EACH(SAME, h)) +                                       \
        LANES_SHUFFLE((v)[i], (v)[i + (h)], EACH(OTHER, h))

/* Lane l = the sum of v[l]'s lanes, in an order that is the same for each l. */
LANES_INLINE Lanes sums_of_lanes(Lanes v[LANES])
{
#if LANES == 16
    HALVES(v, 8);
#endif
#if LANES >= 8
    HALVES(v, 4);
#endif
    HALVES(v, 2);
    HALVES(v, 1);
    return v[0];
}

/* Sum j belongs to pixel j / K and output j % K, as in y. */
LANES_INLINE void outputs_block(const ThinTile *t, Lanes bias, size_t row, size_t col, int pixels,
                                int K)
{
    Lanes sum[LANES];
    LANES_UNROLL for (int j = 0; j < LANES; j++) sum[j] = lanes_set(0);
    const float *x = pixel(t, row, col), *w = t->w;
    const size_t width = t->width, across = t->across;
    for (size_t r = 0; r < t->taps; r++, x += t->row, w += (size_t)K * width) {
        LANES_EACH(width, {
            Lanes v[THIN_OUTPUTS];
            LANES_UNROLL for (int o = 0; o < K; o++) v[o] =
                lanes_load(w + (size_t)o * width + i, k);
            LANES_UNROLL for (int p = 0; p < pixels; p++)
            {
                Lanes at = lanes_load(x + (size_t)p * across + i, k);
                LANES_UNROLL for (int o = 0; o < K; o++) sum[p * K + o] =
                    lanes_fma(at, v[o], sum[p * K + o]);
            }
        });
    }
    const size_t k = (size_t)(pixels * K);
    float *y = t->y + (row * t->cols + col) * (size_t)K;
    Lanes total = sums_of_lanes(sum) + bias;
    lanes_store(y, t->add ? lanes_load(y, k) + total : total, k);
}

LANES_INLINE void outputs_rows(const ThinTile *t, int K)
{
    enum { MOST = LANES };
    const int pixels = MOST / K, half = (pixels + 1) / 2;
    Lanes bias = {0};
    for (int j = 0; t->bias && j < LANES; j++) bias[j] = t->bias[j % K];
    for (size_t row = 0; row < t->rows; row++) {
        size_t col = 0;
        for (; col + (size_t)pixels <= t->cols; col += (size_t)pixels)
            outputs_block(t, bias, row, col, pixels, K);
        for (; col + (size_t)half <= t->cols; col += (size_t)half)
            outputs_block(t, bias, row, col, half, K);
        for (; col < t->cols; col++) outputs_block(t, bias, row, col, 1, K);
    }
}

static void few_outputs(const ThinTile *tile)
{
    const ThinTile t = *tile;
    if (t.K == 1) outputs_rows(&t, 1);
    if (t.K == 2) outputs_rows(&t, 2);
    if (t.K == 3) outputs_rows(&t, 3);
    if (t.K == 4) outputs_rows(&t, 4);
}

/* ---- weight gradient: the sums of some entries e and two vectors of k stay in registers for the
 * whole tile */

enum { ENTRIES = LANES == 16 ? 9 : 4 };

LANES_INLINE void gradient_block(const ThinTile *t, size_t e, size_t i, size_t k, int entries,
                                 int columns)
{
    Lanes sum[2 * ENTRIES];
    size_t offset[ENTRIES];
    LANES_UNROLL for (int j = 0; j < entries; j++)
    {
        size_t entry = e + (size_t)j;
        offset[j] = entry / t->width * t->row + entry % t->width;
    }
    LANES_UNROLL for (int j = 0; j < entries * columns; j++) sum[j] = lanes_set(0);
    const float *dy = t->dy + i;
    for (size_t row = 0; row < t->rows; row++) {
        const float *x = pixel(t, row, 0);
        for (size_t col = 0; col < t->cols; col++, dy += t->K, x += t->across) {
            Lanes v[2];
            LANES_UNROLL for (int c = 0; c < columns; c++) v[c] =
                lanes_load(dy + (size_t)c * LANES, k);
            LANES_UNROLL for (int j = 0; j < entries * columns; j++)
            {
                Lanes a = lanes_set(x[offset[j / columns]]);
                sum[j] = lanes_fma(a, v[j % columns], sum[j]);
            }
        }
    }
    LANES_UNROLL for (int j = 0; j < entries * columns; j++)
    {
        float *at = t->dw + (e + (size_t)(j / columns)) * t->K + i + (size_t)(j % columns) * LANES;
        lanes_store(at, lanes_load(at, k) + sum[j], k);
    }
}

LANES_INLINE void gradient_columns(const ThinTile *t, size_t i, size_t k, int columns)
{
    size_t e = 0, depth = t->taps * t->width;
    for (; e + ENTRIES <= depth; e += ENTRIES) gradient_block(t, e, i, k, ENTRIES, columns);
    for (; e < depth; e++) gradient_block(t, e, i, k, 1, columns);
}

static void gradient(const ThinTile *tile)
{
    const ThinTile t = *tile;
    size_t i = 0;
    for (; i + 2 * LANES <= t.K; i += 2 * LANES) gradient_columns(&t, i, LANES, 2);
    for (; i + LANES <= t.K; i += LANES) gradient_columns(&t, i, LANES, 1);
    if (i < t.K) gradient_columns(&t, i, t.K - i, 1);
}

const ThinTable SIMD_TABLE_HERE(thin_table) = {
    .few_inputs = few_inputs,
    .few_outputs = few_outputs,
    .gradient = gradient,
};
