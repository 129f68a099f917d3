#include "diffc/ops.h"
#include "ops_check.h"

/* ---- silu */

static PointDims silu_dims(void *dims, int N)
{
    return (PointDims){.N = N, .size = *(size_t *)dims};
}

static void silu_op_forward(void *dims, int N, float *y, float *const *in)
{
    PointDims d = silu_dims(dims, N);
    silu_forward(&d, y, in[0]);
}

static void silu_op_backward(void *dims, int N, float *const *dx, const float *dy, float *const *in)
{
    PointDims d = silu_dims(dims, N);
    silu_backward(&d, dx[0], dy, in[0]);
}

static void silu_op_tangent(void *dims, int N, float *ydot, float *const *in, float *const *dot)
{
    PointDims d = silu_dims(dims, N);
    silu_tangent(&d, ydot, in[0], dot[0]);
}

static void silu_op_backward2(void *dims, int N, float *const *m, const float *my, const float *ly,
                              float *const *in, float *const *dot)
{
    PointDims d = silu_dims(dims, N);
    silu_backward2(&d, m[0], my, ly, in[0], dot[0]);
}

TEST(silu_keeps_the_promises_of_an_op)
{
    static const size_t sizes[] = {1, 15, 1000, 70001};
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        size_t size = sizes[k];
        CheckOp op = {.name = "silu",
                      .dims = &size,
                      .inputs = 1,
                      .in = {{.size = size}},
                      .out_size = size,
                      .forward = silu_op_forward,
                      .backward = silu_op_backward,
                      .tangent = silu_op_tangent,
                      .backward2 = silu_op_backward2};
        check_op(&op);
    }
}

TEST(silu_forward_agrees_with_double)
{
    PointDims d = {.N = 2, .size = 37};
    float *x = check_random(74, 1, 3), *y = check_alloc(74);
    silu_forward(&d, y, x);
    for (int i = 0; i < 74; i++)
        EXPECT_NEAR((double)y[i], (double)x[i] / (1 + exp(-(double)x[i])), 1e-6);
    check_free(x);
    check_free(y);
}
