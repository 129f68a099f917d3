#include "math/vec.h"
#include "ops/ops.h"
#include "passes.h"

/* ---- silu */

static void silu_formula(const PassCase *c, double *y, double **x)
{
    for (size_t i = 0; i < output_floats(c); i++) y[i] = x[0][i] / (1 + exp(-x[0][i]));
}

TEST(silu_passes_agree_with_the_formula)
{
    static const size_t sizes[] = {1, 15, 1000, 70001};
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        PointDims d = {3, sizes[k]};
        PassCase c = {.op = &op_silu, .dims = &d, .N = 3, .inputs = 1, .active = 1};
        c.per[0] = c.out = sizes[k];
        c.formula = silu_formula;
        check_passes(&c);
    }
}

TEST(silu_forward_agrees_with_double)
{
    PointDims d = {.N = 2, .size = 37};
    float *x = check_random(74, 1, 3), *y = check_alloc(74);
    op_silu.forward(&(OpCall){.dims = &d, .x = {x}, .y = y});
    for (int i = 0; i < 74; i++)
        EXPECT_NEAR((double)y[i], (double)x[i] / (1 + exp(-(double)x[i])), 1e-6);
}
