/* Joins and pointwise maps: passes against plain loops in double. */
#include "ops/ops.h"
#include "passes.h"

static void concat_formula(const PassCase *c, double *y, double **x)
{
    const ConcatDims *d = c->dims;
    for (int r = 0; r < c->N * d->T; r++) {
        for (int i = 0; i < d->A; i++) *y++ = x[0][r * d->A + i];
        for (int i = 0; i < d->B; i++) *y++ = x[1][r * d->B + i];
    }
}

TEST(concat_passes_agree_with_the_formula)
{
    static const ConcatDims shapes[] = {{1, 1, 1, 1}, {3, 49, 5, 1}, {2, 4, 64, 33}};
    for (int i = 0; i < 3; i++) {
        const ConcatDims *d = &shapes[i];
        PassCase c = {.op = &op_concat, .dims = d, .N = d->N, .inputs = 2, .active = 2};
        c.per[0] = (size_t)(d->T * d->A), c.per[1] = (size_t)(d->T * d->B);
        c.out = c.per[0] + c.per[1];
        c.formula = concat_formula;
        check_passes(&c);
    }
}

/* ---- add and affine; several pieces of the flat loop are in the largest */

static void add_formula(const PassCase *c, double *y, double **x)
{
    for (size_t i = 0; i < output_floats(c); i++) y[i] = x[0][i] + x[1][i];
}

static void affine_formula(const PassCase *c, double *y, double **x)
{
    const AffineDims *d = c->dims;
    for (size_t i = 0; i < output_floats(c); i++)
        y[i] = (double)d->factor * x[0][i] + (double)d->offset;
}

TEST(add_and_affine_passes_agree_with_the_formula)
{
    static const size_t sizes[] = {1, 17, 9001};
    for (int i = 0; i < 3; i++) {
        PointDims point = {4, sizes[i]};
        AffineDims affine = {point, -0.7f, 1.25f};
        PassCase c = {.op = &op_add, .dims = &point, .N = 4, .inputs = 2, .active = 2};
        c.per[0] = c.per[1] = c.out = sizes[i];
        c.formula = add_formula;
        check_passes(&c);
        c.inputs = c.active = 1;
        c.formula = affine_formula;
        c.op = &op_affine, c.dims = &affine;
        check_passes(&c);
    }
}

/* ---- shift and modulate */

static void shift_formula(const PassCase *c, double *y, double **x)
{
    const ShiftDims *d = c->dims;
    for (int r = 0; r < c->N * d->T; r++)
        for (int i = 0; i < d->C; i++)
            y[r * d->C + i] = x[0][r * d->C + i] + x[1][r / d->T * d->C + i];
}

static void modulate_formula(const PassCase *c, double *y, double **x)
{
    const ShiftDims *d = c->dims;
    for (int r = 0; r < c->N * d->T; r++) {
        const double *s = x[1] + r / d->T * 2 * d->C, *b = s + d->C;
        for (int i = 0; i < d->C; i++) y[r * d->C + i] = x[0][r * d->C + i] * (1 + s[i]) + b[i];
    }
}

static PassCase shift_case(const ShiftDims *d)
{
    PassCase c = {.op = &op_shift, .dims = d, .N = d->N, .inputs = 2, .active = 2};
    c.per[0] = c.out = (size_t)(d->T * d->C), c.per[1] = (size_t)d->C;
    c.formula = shift_formula;
    return c;
}

static PassCase modulate_case(const ShiftDims *d)
{
    PassCase c = shift_case(d);
    c.op = &op_modulate;
    c.per[1] *= 2;
    c.formula = modulate_formula;
    return c;
}

TEST(shift_and_modulate_passes_agree_with_the_formula)
{
    static const ShiftDims shapes[] = {{1, 1, 1}, {3, 49, 5}, {2, 6, 130}, {1, 16, 64}};
    for (int i = 0; i < 4; i++) {
        PassCase shift = shift_case(&shapes[i]), modulate = modulate_case(&shapes[i]);
        check_passes(&shift);
        check_passes(&modulate);
    }
}

/* ---- divide */

static void divide_prepare(const PassCase *c, float **x)
{
    for (int n = 0; n < c->N; n++) x[1][n] = copysignf(0.5f + fabsf(x[1][n]), x[1][n]);
}

static void divide_formula(const PassCase *c, double *y, double **x)
{
    for (size_t i = 0; i < output_floats(c); i++) y[i] = x[0][i] / x[1][i / c->out];
}

static PassCase divide_case(const PointDims *d)
{
    PassCase c = {.op = &op_divide, .dims = d, .N = d->N, .inputs = 2, .active = 2};
    c.per[0] = c.out = d->size, c.per[1] = 1;
    c.prepare = divide_prepare;
    c.formula = divide_formula;
    return c;
}

TEST(divide_passes_agree_with_the_formula)
{
    PointDims small = {1, 1}, large = {4, 97};
    PassCase one = divide_case(&small), several = divide_case(&large);
    check_passes(&one);
    check_passes(&several);
}

/* A time embedding has no tangent; where the row says so, NULL must equal zeros. */
TEST(modulate_and_divide_take_a_missing_tangent_as_zero)
{
    ShiftDims shift = {2, 9, 6};
    PointDims point = {2, 21};
    PassCase cases[] = {modulate_case(&shift), divide_case(&point)};
    for (int k = 0; k < 2; k++) {
        const PassCase *c = &cases[k];
        Passes zero = {0}, none;
        EXPECT(c->op->tangent_may_be_null == OP_X1);
        passes_fill(c, &zero);
        memset(zero.xdot[1], 0, tensor_floats(c, 1) * sizeof(float));
        none = zero;
        none.xdot[1] = NULL;
        passes_run(c, &zero, ~0u, 0);
        passes_run(c, &none, ~0u, 0);
        passes_same(c, &none, &zero);
        passes_free_outputs(&none);
        passes_free(&zero);
    }
}

TEST(affine_adds_the_offset_after_the_factor)
{
    AffineDims d = {{3, 11}, 2, -1};
    float *x = check_random(33, 1, 1), *y = check_scratch(33);
    op_affine.forward(&(OpCall){.dims = &d, .x = {x}, .y = y});
    for (int i = 0; i < 33; i++) EXPECT_NEAR((double)y[i], 2 * (double)x[i] - 1, 5e-7);
}
