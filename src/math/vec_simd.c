#include "math/vec_simd.h"

#include <math.h>

#include "math/vec.h"

static void add(float *y, const float *a, const float *b, size_t n)
{
    LANES_EACH(n, lanes_store(y + i, lanes_load(a + i, k) + lanes_load(b + i, k), k));
}

static void axpy(float *y, float a, const float *x, size_t n)
{
    const Lanes factor = lanes_set(a);
    LANES_EACH(
        n, lanes_store(y + i, lanes_fma(factor, lanes_load(x + i, k), lanes_load(y + i, k)), k));
}

static void scale(float *y, float a, const float *x, size_t n)
{
    LANES_EACH(n, lanes_store(y + i, a * lanes_load(x + i, k), k));
}

/* Two chains of additions per half, so that the latency of an addition is hidden. */
static double dot(const float *a, const float *b, size_t n)
{
    LanesDouble sum[4] = {0};
    size_t body = n - n % (2 * LANES);
    for (size_t i = 0; i < body; i += 2 * LANES) {
        Lanes a0 = lanes_load(a + i, LANES), a1 = lanes_load(a + i + LANES, LANES);
        Lanes b0 = lanes_load(b + i, LANES), b1 = lanes_load(b + i + LANES, LANES);
        sum[0] = lanes_fma_double(lanes_low(a0), lanes_low(b0), sum[0]);
        sum[1] = lanes_fma_double(lanes_high(a0), lanes_high(b0), sum[1]);
        sum[2] = lanes_fma_double(lanes_low(a1), lanes_low(b1), sum[2]);
        sum[3] = lanes_fma_double(lanes_high(a1), lanes_high(b1), sum[3]);
    }
    double total = lanes_sum((sum[0] + sum[1]) + (sum[2] + sum[3]));
    for (size_t i = body; i < n; i++) total += (double)a[i] * (double)b[i];
    return total;
}

/* The sums of some vectors of columns in registers; each column is one chain of additions. */
LANES_INLINE void column_block(double *sum, const float *x, size_t rows, size_t stride, int columns)
{
    enum { HALF = LANES / 2 };
    LanesDouble s[8];
    LANES_UNROLL for (int j = 0; j < 2 * columns; j++)
        memcpy(&s[j], sum + (size_t)j * HALF, sizeof s[j]);
    for (size_t t = 0; t < rows; t++, x += stride) {
        LANES_UNROLL for (int c = 0; c < columns; c++)
        {
            Lanes v = lanes_load(x + (size_t)c * LANES, LANES);
            s[2 * c] += lanes_low(v);
            s[2 * c + 1] += lanes_high(v);
        }
    }
    LANES_UNROLL for (int j = 0; j < 2 * columns; j++)
        memcpy(sum + (size_t)j * HALF, &s[j], sizeof s[j]);
}

/* One column in four chains. */
static double narrow_column(const float *x, size_t rows, size_t stride)
{
    double s[4] = {0};
    size_t t = 0;
    for (; t + 4 <= rows; t += 4)
        for (size_t j = 0; j < 4; j++) s[j] += (double)x[(t + j) * stride];
    for (; t < rows; t++) s[0] += (double)x[t * stride];
    return (s[0] + s[1]) + (s[2] + s[3]);
}

static void column_sums(double *sum, const float *x, size_t rows, size_t stride, size_t n)
{
    size_t i = 0;
    for (; i + 4 * LANES <= n; i += 4 * LANES) column_block(sum + i, x + i, rows, stride, 4);
    for (; i + LANES <= n; i += LANES) column_block(sum + i, x + i, rows, stride, 1);
    for (; i < n; i++) sum[i] += narrow_column(x + i, rows, stride);
}

static void silu(float *y, const float *x, size_t n)
{
    LANES_EACH(n, lanes_store(y + i, lanes_silu(lanes_load(x + i, k)), k));
}

static void silu_backward(float *dx, const float *dy, const float *x, size_t n)
{
    LANES_EACH(n, {
        Lanes d1 = lanes_silu_slope(lanes_load(x + i, k));
        lanes_store(dx + i, lanes_fma(d1, lanes_load(dy + i, k), lanes_load(dx + i, k)), k);
    });
}

static void silu_tangent(float *ydot, const float *x, const float *xdot, size_t n)
{
    LANES_EACH(n, {
        Lanes d1 = lanes_silu_slope(lanes_load(x + i, k));
        lanes_store(ydot + i, d1 * lanes_load(xdot + i, k), k);
    });
}

static void silu_backward2(float *mx, const float *my, const float *ly, const float *x,
                           const float *xdot, size_t n)
{
    LANES_EACH(n, {
        Lanes d1;
        Lanes d2;
        lanes_silu_slopes(lanes_load(x + i, k), &d1, &d2);
        Lanes curve = d2 * lanes_load(xdot + i, k);
        Lanes sum = lanes_fma(d1, lanes_load(my + i, k), lanes_load(mx + i, k));
        lanes_store(mx + i, lanes_fma(curve, lanes_load(ly + i, k), sum), k);
    });
}

static void softmax(float *p, float factor, size_t n)
{
    /* The first value stands in for the missing lanes of the tail: it cannot raise the maximum. */
    Lanes most = lanes_set(factor * p[0]);
    LANES_EACH(n, {
        Lanes z = factor * lanes_load(p + i, k);
        lanes_store(p + i, z, k);
        if (k < LANES)
            for (size_t j = k; j < LANES; j++) z[j] = most[0];
        most = LANES_SELECT(z > most, z, most);
    });
    float largest = most[0];
    for (int j = 1; j < LANES; j++) largest = most[j] > largest ? most[j] : largest;
    LanesDouble low = {0};
    LanesDouble high = {0};
    LANES_EACH(n, {
        lanes_store(p + i, lanes_exp(lanes_load(p + i, k) - largest), k);
        Lanes e = lanes_load(p + i, k); /* zeros past k */
        low += lanes_low(e);
        high += lanes_high(e);
    });
    scale(p, (float)(1.0 / lanes_sum(low + high)), p, n);
}

/* Moments move by a1 (g - m). */
static void adam_block(float *restrict w, float *restrict m, float *restrict v,
                       const float *restrict grad, size_t n, const AdamStep *step)
{
    const AdamStep s = *step;
    const float a1 = 1.0f - s.b1, a2 = 1.0f - s.b2, shrink = s.lr * s.decay;
    const float over_c1 = s.lr / s.c1, over_c2 = 1.0f / s.c2;
    for (size_t i = 0; i < n; i++) {
        float g = lane_fma(s.l2, w[i], grad[i] * s.grad_scale);
        m[i] = lane_fma(a1, g - m[i], m[i]);
        v[i] = lane_fma(a2, lane_fma(g, g, -v[i]), v[i]);
        float update = m[i] * over_c1 / (sqrtf(v[i] * over_c2) + s.eps);
        w[i] = lane_fma(-shrink, w[i], w[i]) - update;
    }
}

static void ema_block(float *restrict ema, const float *restrict w, size_t n, float decay)
{
    const float rate = 1.0f - decay;
    for (size_t i = 0; i < n; i++) ema[i] = lane_fma(rate, w[i] - ema[i], ema[i]);
}

static void adam(float *w, float *m, float *v, float *ema, const float *grad, size_t n,
                 const AdamStep *step)
{
    enum { BLOCK = 1024 }; /* the parameters are still in L1 when their average is taken */
    for (size_t i = 0; i < n; i += BLOCK) {
        size_t k = n - i < BLOCK ? n - i : BLOCK;
        adam_block(w + i, m + i, v + i, grad + i, k, step);
        if (ema) ema_block(ema + i, w + i, k, step->ema_decay);
    }
}

static float multiply_adds(long rounds)
{
    Lanes sum[VEC_CHAINS], factor = lanes_set(0.999f);
    float out[LANES], total = 0;
    LANES_UNROLL
    for (int i = 0; i < VEC_CHAINS; i++) sum[i] = lanes_set((float)i);
    for (long k = 0; k < rounds; k++) {
        LANES_UNROLL
        for (int i = 0; i < VEC_CHAINS; i++) sum[i] = lanes_fma(sum[i], factor, factor);
    }
    for (int i = 0; i < VEC_CHAINS; i++) {
        lanes_store(out, sum[i], LANES);
        total += out[0];
    }
    return total;
}

const VecTable SIMD_TABLE_HERE(vec_table) = {
    .lanes = LANES,
    .add = add,
    .axpy = axpy,
    .scale = scale,
    .dot = dot,
    .column_sums = column_sums,
    .silu = silu,
    .silu_backward = silu_backward,
    .silu_tangent = silu_tangent,
    .silu_backward2 = silu_backward2,
    .softmax = softmax,
    .adam = adam,
    .multiply_adds = multiply_adds,
};
