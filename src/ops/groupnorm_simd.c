#include "groupnorm_rows.h"

#include <string.h>

#include "diffc/vec_simd.h"

/* Runs the statement for each row and each vector of channels: `at` is the element's offset in the
 * tile, i the channel, k the number of channels. */
#define FOR_ELEMENTS(t, ...)                                                                       \
    for (size_t row = 0; row < (t)->rows; row++)                                                   \
    LANES_EACH((t)->C, {                                                                           \
        const size_t at = row * (t)->C + i;                                                        \
        __VA_ARGS__;                                                                               \
    })

LANES_INLINE Lanes coef(const NormTile *t, int which, size_t i, size_t k)
{
    return lanes_load(t->coef + (size_t)which * t->C + i, k);
}

LANES_INLINE void add(const NormTile *t, int which, size_t i, Lanes v, size_t k)
{
    lanes_add_double(t->sums + (size_t)which * t->C + i, v, k);
}

static void clear(const NormTile *t, int count)
{
    memset(t->sums, 0, (size_t)count * t->C * sizeof *t->sums);
}

LANES_INLINE Lanes centred(const NormTile *t, size_t at, size_t i, size_t k)
{
    return lanes_load(t->x + at, k) - coef(t, COEF_MEAN, i, k);
}

LANES_INLINE Lanes normed(const NormTile *t, Lanes u, size_t i, size_t k)
{
    return u * coef(t, COEF_SCALE, i, k) + coef(t, COEF_SHIFT, i, k);
}

LANES_INLINE void moments_rows(const NormTile *t, bool silu)
{
    (void)silu;
    clear(t, 2);
    FOR_ELEMENTS(t, {
        Lanes x = lanes_load(t->x + at, k);
        add(t, SUM_V, i, x, k);
        lanes_add_double_squares(t->sums + t->C + i, x, k);
    });
}

LANES_INLINE void forward_rows(const NormTile *t, bool silu)
{
    FOR_ELEMENTS(t, {
        Lanes z = normed(t, centred(t, at, i, k), i, k);
        lanes_store(t->out + at, silu ? lanes_silu(z) : z, k);
    });
}

/* dz = dy, or dy times the slope of SiLU at z. */
LANES_INLINE Lanes slope_times(const NormTile *t, const float *v, Lanes u, size_t at, size_t i,
                               size_t k, bool silu)
{
    Lanes g = lanes_load(v + at, k);
    return silu ? g * lanes_silu_slope(normed(t, u, i, k)) : g;
}

LANES_INLINE void backward_sums_rows(const NormTile *t, bool silu)
{
    clear(t, 2);
    FOR_ELEMENTS(t, {
        Lanes u = centred(t, at, i, k);
        Lanes dz = slope_times(t, t->my, u, at, i, k, silu);
        add(t, SUM_V, i, dz, k);
        add(t, SUM_VU, i, dz * u, k);
    });
}

LANES_INLINE void backward_rows(const NormTile *t, bool silu)
{
    FOR_ELEMENTS(t, {
        Lanes u = centred(t, at, i, k);
        Lanes dz = slope_times(t, t->my, u, at, i, k, silu);
        Lanes dx = u * coef(t, COEF_OUT_X, i, k) + coef(t, COEF_OUT_0, i, k);
        dx = dz * coef(t, COEF_SCALE, i, k) + dx;
        lanes_store(t->out + at, lanes_load(t->out + at, k) + dx, k);
    });
}

LANES_INLINE void tangent_sums_rows(const NormTile *t, bool silu)
{
    (void)silu;
    clear(t, 2);
    FOR_ELEMENTS(t, {
        Lanes xdot = lanes_load(t->xdot + at, k);
        add(t, SUM_V, i, xdot, k);
        add(t, SUM_VU, i, xdot * centred(t, at, i, k), k);
    });
}

LANES_INLINE Lanes normed_tangent(const NormTile *t, Lanes xdot, Lanes u, size_t i, size_t k)
{
    Lanes zdot = u * coef(t, COEF_DOT_X, i, k) + coef(t, COEF_DOT_0, i, k);
    return xdot * coef(t, COEF_SCALE, i, k) + zdot;
}

LANES_INLINE void tangent_rows(const NormTile *t, bool silu)
{
    FOR_ELEMENTS(t, {
        Lanes u = centred(t, at, i, k);
        Lanes zdot = normed_tangent(t, lanes_load(t->xdot + at, k), u, i, k);
        if (silu) zdot = zdot * lanes_silu_slope(normed(t, u, i, k));
        lanes_store(t->out + at, zdot, k);
    });
}

/* Cotangents of z and zdot; with SiLU mz = d1 my + d2 zdot ly, lz = d1 ly. */
LANES_INLINE void cotangents(const NormTile *t, Lanes u, Lanes xdot, size_t at, size_t i, size_t k,
                             bool silu, Lanes *mz, Lanes *lz)
{
    *mz = lanes_load(t->my + at, k);
    *lz = lanes_load(t->ly + at, k);
    if (silu) {
        Lanes d1;
        Lanes d2;
        lanes_silu_slopes(normed(t, u, i, k), &d1, &d2);
        Lanes curve = d2 * normed_tangent(t, xdot, u, i, k);
        *mz = curve * *lz + *mz * d1;
        *lz = *lz * d1;
    }
}

LANES_INLINE void backward2_sums_rows(const NormTile *t, bool silu)
{
    clear(t, SUMS);
    FOR_ELEMENTS(t, {
        Lanes u = centred(t, at, i, k), xdot = lanes_load(t->xdot + at, k), mz, lz;
        cotangents(t, u, xdot, at, i, k, silu, &mz, &lz);
        add(t, SUM_V, i, mz, k);
        add(t, SUM_VU, i, mz * u, k);
        add(t, SUM_L, i, lz, k);
        add(t, SUM_LU, i, lz * u, k);
        add(t, SUM_LD, i, lz * xdot, k);
    });
}

LANES_INLINE void backward2_rows(const NormTile *t, bool silu)
{
    FOR_ELEMENTS(t, {
        Lanes u = centred(t, at, i, k), xdot = lanes_load(t->xdot + at, k), mz, lz;
        cotangents(t, u, xdot, at, i, k, silu, &mz, &lz);
        Lanes mx = u * coef(t, COEF_OUT_X, i, k) + coef(t, COEF_OUT_0, i, k);
        mx = mz * coef(t, COEF_SCALE, i, k) + mx;
        mx = lz * coef(t, COEF_OUT_L, i, k) + mx;
        mx = xdot * coef(t, COEF_OUT_D, i, k) + mx;
        lanes_store(t->out + at, lanes_load(t->out + at, k) + mx, k);
    });
}

/* Two copies of each loop, so that the choice is not made per element; and the tile in a variable
 * of its own, which the stores of a loop cannot reach, so that its fields stay in registers. */
#define ROWS(name)                                                                                 \
    static void name(const NormTile *t)                                                            \
    {                                                                                              \
        const NormTile own = *t;                                                                   \
        if (own.silu)                                                                              \
            name##_rows(&own, true);                                                               \
        else                                                                                       \
            name##_rows(&own, false);                                                              \
    }
ROWS(moments)
ROWS(forward)
ROWS(backward_sums)
ROWS(backward)
ROWS(tangent_sums)
ROWS(tangent)
ROWS(backward2_sums)
ROWS(backward2)

#define TABLE_NAME_(level) norm_rows_##level
#define TABLE_NAME(level)  TABLE_NAME_(level)
const NormRows TABLE_NAME(SIMD_LEVEL) = {
    .moments = moments,
    .forward = forward,
    .backward_sums = backward_sums,
    .backward = backward,
    .tangent_sums = tangent_sums,
    .tangent = tangent,
    .backward2_sums = backward2_sums,
    .backward2 = backward2,
};
