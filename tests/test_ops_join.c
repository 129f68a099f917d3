/* Joins and pointwise maps: four passes against plain loops in double. */
#include "diffc/ops.h"
#include "four_passes.h"

/* ---- concat */

static ConcatDims concat_dims(const OpCase *op)
{
    ConcatDims d = *(const ConcatDims *)op->shape;
    d.N = op->N;
    return d;
}

static void concat_run(const OpCase *op, float *y, float **x)
{
    ConcatDims d = concat_dims(op);
    concat_forward(&d, y, x[0], x[1]);
}

static void concat_dot(const OpCase *op, float *ydot, float **x, float **xdot)
{
    ConcatDims d = concat_dims(op);
    (void)x;
    concat_tangent(&d, ydot, xdot[0], xdot[1]);
}

static void concat_back(const OpCase *op, float **dx, float *dy, float **x)
{
    ConcatDims d = concat_dims(op);
    (void)x;
    concat_backward(&d, passes_set, dx[0], dx[1], dy);
}

static void concat_back2(const OpCase *op, float **mx, float *my, float *ly, float **x,
                         float **xdot)
{
    ConcatDims d = concat_dims(op);
    (void)ly, (void)x, (void)xdot;
    concat_backward2(&d, passes_set, mx[0], mx[1], my);
}

static void concat_formula(const OpCase *op, double *y, double **x)
{
    ConcatDims d = concat_dims(op);
    for (int r = 0; r < d.N * d.T; r++) {
        for (int c = 0; c < d.A; c++) *y++ = x[0][r * d.A + c];
        for (int c = 0; c < d.B; c++) *y++ = x[1][r * d.B + c];
    }
}

static void check_concat(ConcatDims d)
{
    OpCase op = {
        .name = "concat",
        .sets = true,
        .shape = &d,
        .N = d.N,
        .inputs = 2,
        .active = 2,
        .per = {(size_t)(d.T * d.A), (size_t)(d.T * d.B)},
        .out = (size_t)(d.T * (d.A + d.B)),
        .forward = concat_run,
        .tangent = concat_dot,
        .backward = concat_back,
        .backward2 = concat_back2,
        .reference = concat_formula,
    };
    check_four_passes(&op);
}

TEST(concat_passes_agree_with_the_formula)
{
    check_concat((ConcatDims){1, 1, 1, 1});
    check_concat((ConcatDims){3, 49, 5, 1});
    check_concat((ConcatDims){2, 4, 64, 33});
}

/* ---- add and scale; several pieces of the flat loop are in the largest */

static PointDims point_dims(const OpCase *op)
{
    return (PointDims){op->N, op->out};
}

static void add_run(const OpCase *op, float *y, float **x)
{
    PointDims d = point_dims(op);
    add_forward(&d, y, x[0], x[1]);
}

static void add_dot(const OpCase *op, float *ydot, float **x, float **xdot)
{
    PointDims d = point_dims(op);
    (void)x;
    add_tangent(&d, ydot, xdot[0], xdot[1]);
}

static void add_back(const OpCase *op, float **dx, float *dy, float **x)
{
    PointDims d = point_dims(op);
    (void)x;
    add_backward(&d, dx[0], dx[1], dy);
}

static void add_back2(const OpCase *op, float **mx, float *my, float *ly, float **x, float **xdot)
{
    PointDims d = point_dims(op);
    (void)ly, (void)x, (void)xdot;
    add_backward2(&d, mx[0], mx[1], my);
}

static void add_formula(const OpCase *op, double *y, double **x)
{
    for (size_t i = 0; i < output_floats(op); i++) y[i] = x[0][i] + x[1][i];
}

static const float FACTOR = -0.7f;

static void scale_run(const OpCase *op, float *y, float **x)
{
    PointDims d = point_dims(op);
    scale_forward(&d, FACTOR, y, x[0]);
}

static void scale_dot(const OpCase *op, float *ydot, float **x, float **xdot)
{
    PointDims d = point_dims(op);
    (void)x;
    scale_tangent(&d, FACTOR, ydot, xdot[0]);
}

static void scale_back(const OpCase *op, float **dx, float *dy, float **x)
{
    PointDims d = point_dims(op);
    (void)x;
    scale_backward(&d, FACTOR, dx[0], dy);
}

static void scale_back2(const OpCase *op, float **mx, float *my, float *ly, float **x, float **xdot)
{
    PointDims d = point_dims(op);
    (void)ly, (void)x, (void)xdot;
    scale_backward2(&d, FACTOR, mx[0], my);
}

static void scale_formula(const OpCase *op, double *y, double **x)
{
    for (size_t i = 0; i < output_floats(op); i++) y[i] = (double)FACTOR * x[0][i];
}

TEST(add_and_scale_passes_agree_with_the_formula)
{
    static const size_t sizes[] = {1, 17, 9001};
    for (int i = 0; i < 3; i++) {
        OpCase add = {
            .name = "add",
            .N = 4,
            .inputs = 2,
            .active = 2,
            .per = {sizes[i], sizes[i]},
            .out = sizes[i],
            .forward = add_run,
            .tangent = add_dot,
            .backward = add_back,
            .backward2 = add_back2,
            .reference = add_formula,
        };
        check_four_passes(&add);
        OpCase scale = add;
        scale.name = "scale";
        scale.inputs = scale.active = 1;
        scale.forward = scale_run;
        scale.tangent = scale_dot;
        scale.backward = scale_back;
        scale.backward2 = scale_back2;
        scale.reference = scale_formula;
        check_four_passes(&scale);
    }
}

/* ---- shift and modulate */

static ShiftDims shift_dims(const OpCase *op)
{
    ShiftDims d = *(const ShiftDims *)op->shape;
    d.N = op->N;
    return d;
}

static void shift_run(const OpCase *op, float *y, float **x)
{
    ShiftDims d = shift_dims(op);
    shift_forward(&d, y, x[0], x[1]);
}

static void shift_dot(const OpCase *op, float *ydot, float **x, float **xdot)
{
    ShiftDims d = shift_dims(op);
    (void)x;
    shift_tangent(&d, ydot, xdot[0], xdot[1]);
}

static void shift_back(const OpCase *op, float **dx, float *dy, float **x)
{
    ShiftDims d = shift_dims(op);
    (void)x;
    shift_backward(&d, dx[0], dx[1], dy);
}

static void shift_back2(const OpCase *op, float **mx, float *my, float *ly, float **x, float **xdot)
{
    ShiftDims d = shift_dims(op);
    (void)ly, (void)x, (void)xdot;
    shift_backward2(&d, mx[0], mx[1], my);
}

static void shift_formula(const OpCase *op, double *y, double **x)
{
    ShiftDims d = shift_dims(op);
    for (int r = 0; r < d.N * d.T; r++)
        for (int c = 0; c < d.C; c++) y[r * d.C + c] = x[0][r * d.C + c] + x[1][r / d.T * d.C + c];
}

static void modulate_run(const OpCase *op, float *y, float **x)
{
    ShiftDims d = shift_dims(op);
    modulate_forward(&d, y, x[0], x[1]);
}

static void modulate_dot(const OpCase *op, float *ydot, float **x, float **xdot)
{
    ShiftDims d = shift_dims(op);
    modulate_tangent(&d, ydot, x[0], xdot[0], x[1], xdot[1]);
}

static void modulate_back(const OpCase *op, float **dx, float *dy, float **x)
{
    ShiftDims d = shift_dims(op);
    modulate_backward(&d, dx[0], dx[1], dy, x[0], x[1]);
}

static void modulate_back2(const OpCase *op, float **mx, float *my, float *ly, float **x,
                           float **xdot)
{
    ShiftDims d = shift_dims(op);
    modulate_backward2(&d, mx[0], mx[1], my, ly, x[0], xdot[0], x[1], xdot[1]);
}

static void modulate_formula(const OpCase *op, double *y, double **x)
{
    ShiftDims d = shift_dims(op);
    for (int r = 0; r < d.N * d.T; r++) {
        const double *s = x[1] + r / d.T * 2 * d.C, *b = s + d.C;
        for (int c = 0; c < d.C; c++) y[r * d.C + c] = x[0][r * d.C + c] * (1 + s[c]) + b[c];
    }
}

static OpCase shift_case(const ShiftDims *d)
{
    size_t per = (size_t)(d->T * d->C);
    return (OpCase){
        .name = "shift",
        .shape = d,
        .N = d->N,
        .inputs = 2,
        .active = 2,
        .per = {per, (size_t)d->C},
        .out = per,
        .forward = shift_run,
        .tangent = shift_dot,
        .backward = shift_back,
        .backward2 = shift_back2,
        .reference = shift_formula,
    };
}

static OpCase modulate_case(const ShiftDims *d)
{
    OpCase op = shift_case(d);
    op.name = "modulate";
    op.per[1] = 2 * (size_t)d->C;
    op.forward = modulate_run;
    op.tangent = modulate_dot;
    op.backward = modulate_back;
    op.backward2 = modulate_back2;
    op.reference = modulate_formula;
    return op;
}

TEST(shift_and_modulate_passes_agree_with_the_formula)
{
    static const ShiftDims shapes[] = {{1, 1, 1}, {3, 49, 5}, {2, 6, 130}, {1, 16, 64}};
    for (int i = 0; i < 4; i++) {
        OpCase shift = shift_case(&shapes[i]), modulate = modulate_case(&shapes[i]);
        check_four_passes(&shift);
        check_four_passes(&modulate);
    }
}

/* ---- affine, whose other passes are scale's, and divide */

TEST(affine_adds_the_offset_after_the_factor)
{
    PointDims d = {3, 11};
    float *x = test_random(33, 1, 1), *y = guarded_new(33, NAN);
    affine_forward(&d, 2, -1, y, x);
    for (int i = 0; i < 33; i++) EXPECT_NEAR((double)y[i], 2 * (double)x[i] - 1, 5e-7);
    EXPECT(guarded_intact(y, 33));
    free(x);
    guarded_free(y);
}

static void divide_prepare(const OpCase *op, float **x)
{
    for (int n = 0; n < op->N; n++) x[1][n] = copysignf(0.5f + fabsf(x[1][n]), x[1][n]);
}

static void divide_run(const OpCase *op, float *y, float **x)
{
    PointDims d = point_dims(op);
    divide_forward(&d, y, x[0], x[1]);
}

static void divide_dot(const OpCase *op, float *ydot, float **x, float **xdot)
{
    PointDims d = point_dims(op);
    divide_tangent(&d, ydot, x[0], xdot[0], x[1], xdot[1]);
}

static void divide_back(const OpCase *op, float **dx, float *dy, float **x)
{
    PointDims d = point_dims(op);
    divide_backward(&d, dx[0], dx[1], dy, x[0], x[1]);
}

static void divide_back2(const OpCase *op, float **mx, float *my, float *ly, float **x,
                         float **xdot)
{
    PointDims d = point_dims(op);
    divide_backward2(&d, mx[0], mx[1], my, ly, x[0], xdot[0], x[1], xdot[1]);
}

static void divide_formula(const OpCase *op, double *y, double **x)
{
    for (size_t i = 0; i < output_floats(op); i++) y[i] = x[0][i] / x[1][i / op->out];
}

static OpCase divide_case(int N, size_t size)
{
    return (OpCase){
        .name = "divide",
        .N = N,
        .inputs = 2,
        .active = 2,
        .per = {size, 1},
        .out = size,
        .prepare = divide_prepare,
        .forward = divide_run,
        .tangent = divide_dot,
        .backward = divide_back,
        .backward2 = divide_back2,
        .reference = divide_formula,
    };
}

TEST(divide_passes_agree_with_the_formula)
{
    OpCase one = divide_case(1, 1), several = divide_case(4, 97);
    check_four_passes(&one);
    check_four_passes(&several);
}

/* A time embedding has no tangent; NULL says so and must equal zeros. */
TEST(shift_modulate_and_divide_take_a_missing_tangent_as_zero)
{
    ShiftDims d = {2, 9, 6};
    OpCase cases[] = {shift_case(&d), modulate_case(&d), divide_case(2, 21)};
    for (int k = 0; k < 3; k++) {
        OpCase op = cases[k];
        Passes zero = {0}, none;
        passes_fill(&op, &zero);
        memset(zero.xdot[1], 0, input_floats(&op, 1) * sizeof(float));
        none = zero;
        none.xdot[1] = NULL;
        passes_run(&op, &zero, ~0u);
        passes_run(&op, &none, ~0u);
        passes_same(&op, &none, &zero);
        passes_free_outputs(&op, &none);
        passes_free(&op, &zero);
    }
}
