/* Resampling, joins and dropout: four passes against plain loops in double. */
#include "diffc/ops.h"
#include "diffc/rng.h"
#include "four_passes.h"

/* ---- upsample and avgpool */

static ResampleDims resample_dims(const OpCase *op)
{
    ResampleDims d = *(const ResampleDims *)op->shape;
    d.N = op->N;
    return d;
}

#define RESAMPLE_ADAPTERS(name)                                                                    \
    static void name##_run(const OpCase *op, float *y, float **x)                                  \
    {                                                                                              \
        ResampleDims d = resample_dims(op);                                                        \
        name##_forward(&d, y, x[0]);                                                               \
    }                                                                                              \
    static void name##_dot(const OpCase *op, float *ydot, float **x, float **xdot)                 \
    {                                                                                              \
        ResampleDims d = resample_dims(op);                                                        \
        (void)x;                                                                                   \
        name##_tangent(&d, ydot, xdot[0]);                                                         \
    }                                                                                              \
    static void name##_back(const OpCase *op, float **dx, float *dy, float **x)                    \
    {                                                                                              \
        ResampleDims d = resample_dims(op);                                                        \
        (void)x;                                                                                   \
        name##_backward(&d, dx[0], dy);                                                            \
    }                                                                                              \
    static void name##_back2(const OpCase *op, float **mx, float *my, float *ly, float **x,        \
                             float **xdot)                                                         \
    {                                                                                              \
        ResampleDims d = resample_dims(op);                                                        \
        (void)ly, (void)x, (void)xdot;                                                             \
        name##_backward2(&d, mx[0], my);                                                           \
    }
RESAMPLE_ADAPTERS(upsample)
RESAMPLE_ADAPTERS(avgpool)

static void upsample_formula(const OpCase *op, double *y, double **x)
{
    ResampleDims d = resample_dims(op);
    for (int n = 0; n < d.N; n++)
        for (int i = 0; i < 2 * d.H; i++)
            for (int j = 0; j < 2 * d.W; j++)
                for (int c = 0; c < d.C; c++)
                    *y++ = x[0][((n * d.H + i / 2) * d.W + j / 2) * d.C + c];
}

static void avgpool_formula(const OpCase *op, double *y, double **x)
{
    ResampleDims d = resample_dims(op);
    int h = d.factor ? d.factor : d.H, w = d.factor ? d.factor : d.W;
    for (int n = 0; n < d.N; n++)
        for (int i = 0; i < d.H; i++)
            for (int j = 0; j < d.W; j++)
                for (int c = 0; c < d.C; c++)
                    y[((n * (d.H / h) + i / h) * (d.W / w) + j / w) * d.C + c] +=
                        x[0][((n * d.H + i) * d.W + j) * d.C + c] / (h * w);
}

static void check_upsample(ResampleDims d)
{
    size_t per = (size_t)(d.H * d.W * d.C);
    OpCase op = {
        .name = "upsample",
        .shape = &d,
        .N = d.N,
        .inputs = 1,
        .active = 1,
        .per = {per},
        .out = 4 * per,
        .forward = upsample_run,
        .tangent = upsample_dot,
        .backward = upsample_back,
        .backward2 = upsample_back2,
        .reference = upsample_formula,
    };
    check_four_passes(&op);
}

static void check_avgpool(ResampleDims d)
{
    size_t per = (size_t)(d.H * d.W * d.C),
           window = (size_t)(d.factor ? d.factor * d.factor : d.H * d.W);
    OpCase op = {
        .name = "avgpool",
        .shape = &d,
        .N = d.N,
        .inputs = 1,
        .active = 1,
        .per = {per},
        .out = per / window,
        .forward = avgpool_run,
        .tangent = avgpool_dot,
        .backward = avgpool_back,
        .backward2 = avgpool_back2,
        .reference = avgpool_formula,
    };
    check_four_passes(&op);
}

TEST(upsample_passes_agree_with_the_formula)
{
    check_upsample((ResampleDims){1, 1, 1, 1, 0});
    check_upsample((ResampleDims){2, 3, 5, 7, 0});
    check_upsample((ResampleDims){3, 4, 2, 33, 0});
}

TEST(avgpool_passes_agree_with_the_formula_for_windows_and_whole_images)
{
    check_avgpool((ResampleDims){2, 4, 6, 3, 2});
    check_avgpool((ResampleDims){1, 9, 3, 70, 3});
    check_avgpool((ResampleDims){2, 3, 2, 5, 1});
    check_avgpool((ResampleDims){3, 7, 5, 65, 0});
    check_avgpool((ResampleDims){1, 1, 1, 1, 0});
}

TEST(avgpool_undoes_upsample_exactly)
{
    ResampleDims small = {2, 3, 4, 5, 0}, large = {2, 6, 8, 5, 2};
    float *x = test_random(120, 1, 1), *up = test_floats(480), *back = test_floats(120);
    upsample_forward(&small, up, x);
    avgpool_forward(&large, back, up);
    EXPECT_SAME(back, x, 120 * sizeof *x);
    free(x);
    free(up);
    free(back);
}

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
    concat_backward(&d, dx[0], dx[1], dy);
}

static void concat_back2(const OpCase *op, float **mx, float *my, float *ly, float **x,
                         float **xdot)
{
    ConcatDims d = concat_dims(op);
    (void)ly, (void)x, (void)xdot;
    concat_backward2(&d, mx[0], mx[1], my);
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

/* A time embedding has no tangent; NULL says so and must equal zeros. */
TEST(shift_and_modulate_take_a_missing_tangent_of_the_embedding_as_zero)
{
    ShiftDims d = {2, 9, 6};
    for (int k = 0; k < 2; k++) {
        OpCase op = k ? modulate_case(&d) : shift_case(&d);
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

/* ---- dropout */

static DropoutDims dropout_dims(const OpCase *op)
{
    DropoutDims d = *(const DropoutDims *)op->shape;
    d.N = op->N;
    return d;
}

static void dropout_run(const OpCase *op, float *y, float **x)
{
    DropoutDims d = dropout_dims(op);
    dropout_forward(&d, y, x[0]);
}

static void dropout_dot(const OpCase *op, float *ydot, float **x, float **xdot)
{
    DropoutDims d = dropout_dims(op);
    (void)x;
    dropout_tangent(&d, ydot, xdot[0]);
}

static void dropout_back(const OpCase *op, float **dx, float *dy, float **x)
{
    DropoutDims d = dropout_dims(op);
    (void)x;
    dropout_backward(&d, dx[0], dy);
}

static void dropout_back2(const OpCase *op, float **mx, float *my, float *ly, float **x,
                          float **xdot)
{
    DropoutDims d = dropout_dims(op);
    (void)ly, (void)x, (void)xdot;
    dropout_backward2(&d, mx[0], my);
}

static void dropout_formula(const OpCase *op, double *y, double **x)
{
    DropoutDims d = dropout_dims(op);
    for (size_t i = 0; i < output_floats(op); i++) {
        uint32_t word[4];
        rng_block(d.seed, d.stream, i / 4, word);
        bool keep = (double)word[i % 4] / 0x1p32 >= (double)d.p;
        y[i] = keep ? x[0][i] / (1 - (double)d.p) : 0;
    }
}

static void check_dropout(DropoutDims d)
{
    OpCase op = {
        .name = "dropout",
        .shape = &d,
        .N = d.N,
        .inputs = 1,
        .active = 1,
        .per = {d.size},
        .out = d.size,
        .by_index = true,
        .forward = dropout_run,
        .tangent = dropout_dot,
        .backward = dropout_back,
        .backward2 = dropout_back2,
        .reference = dropout_formula,
    };
    check_four_passes(&op);
}

TEST(dropout_passes_share_the_mask_of_the_counter)
{
    uint64_t stream = rng_stream(RNG_DROPOUT, 3);
    check_dropout((DropoutDims){1, 1, 0.25f, 7, stream});
    check_dropout((DropoutDims){3, 35, 0.5f, 7, stream});
    check_dropout((DropoutDims){2, 5003, 0.1f, 8, stream});
    check_dropout((DropoutDims){2, 100, 0.0f, 8, stream});
}

/* Ones in, so that the output is the mask. */
static float *dropout_mask(float p, uint64_t seed, uint64_t number, size_t n)
{
    DropoutDims d = {1, n, p, seed, rng_stream(RNG_DROPOUT, number)};
    float *x = test_floats(n), *y = test_floats(n);
    for (size_t i = 0; i < n; i++) x[i] = 1;
    dropout_forward(&d, y, x);
    free(x);
    return y;
}

TEST(dropout_keeps_the_promised_share_within_five_sigma)
{
    static const float shares[] = {0.1f, 0.5f, 0.9f};
    size_t n = 100000;
    for (int k = 0; k < 3; k++) {
        double p = (double)shares[k], kept = 0;
        float *mask = dropout_mask(shares[k], 1, 1, n);
        for (size_t i = 0; i < n; i++) {
            kept += mask[i] != 0;
            if (mask[i] != 0) EXPECT_NEAR((double)mask[i], 1 / (1 - p), 1e-6);
        }
        EXPECT_NEAR(kept, (1 - p) * (double)n, 5 * sqrt((double)n * p * (1 - p)));
        free(mask);
    }
}

TEST(dropout_with_another_seed_or_stream_drops_other_elements)
{
    size_t n = 10000;
    float *mask = dropout_mask(0.5f, 1, 1, n);
    float *others[] = {dropout_mask(0.5f, 2, 1, n), dropout_mask(0.5f, 1, 2, n)};
    for (int k = 0; k < 2; k++) {
        double equal = 0;
        for (size_t i = 0; i < n; i++) equal += mask[i] == others[k][i];
        EXPECT_NEAR(equal, (double)n / 2, 5 * sqrt((double)n / 4));
        free(others[k]);
    }
    free(mask);
}

TEST(dropout_of_zero_copies_and_of_more_does_not_hide_a_nan)
{
    float x[6] = {1, -0.0f, NAN, INFINITY, 3e38f, 1e-45f}, y[6];
    DropoutDims d = {1, 6, 0, 1, 1};
    dropout_forward(&d, y, x);
    EXPECT_SAME(y, x, sizeof x);
    for (int i = 0; i < 6; i++) x[i] = NAN;
    d.p = 0.9f;
    dropout_forward(&d, y, x);
    for (int i = 0; i < 6; i++) EXPECT(isnan(y[i]));
}
