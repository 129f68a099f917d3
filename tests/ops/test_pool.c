/* ReLU and pooling: passes against plain loops in double. */
#include "passes.h"

#include "ops/ops.h"

/* Central differences see no kink: the values of an image are 1/64 apart, and none is 0. */
static void spread_values(const PassCase *c, float **x)
{
    enum { PRIME = 7919 }; /* it divides no n here */
    size_t n = c->per[0];
    for (size_t i = 0; i < (size_t)c->N * n; i++)
        x[0][i] = ((float)((i % n * PRIME + i / n) % n) - (float)(n / 2) + 0.25f) / 64;
}

static void relu_formula(const PassCase *c, double *y, double **x)
{
    for (size_t i = 0; i < output_floats(c); i++) y[i] = fmax(x[0][i], 0);
}

TEST(relu_passes_agree_with_the_formula)
{
    static const size_t sizes[] = {1, 17, 9001};
    for (int i = 0; i < 3; i++) {
        PointDims d = {4, sizes[i]};
        PassCase c = {.op = &op_relu, .dims = &d, .N = 4, .inputs = 1, .active = 1};
        c.per[0] = c.out = sizes[i];
        c.prepare = spread_values;
        c.formula = relu_formula;
        check_passes(&c);
    }
}

TEST(relu_works_in_place_and_keeps_nan)
{
    PointDims d = {1, 4};
    float x[4] = {-1, NAN, 2, -0.0f};
    op_relu.forward(&(OpCall){.dims = &d, .x = {x}, .y = x});
    EXPECT(x[0] == 0 && isnan(x[1]) && x[2] == 2 && x[3] == 0);
}

/* ---- pools */

/*  N  H   W   C   R  S  stride  pad_h pad_w */
static const PoolDims pools[] = {
    {2, 9, 8, 5, 3, 3, 2, 0, 0},   /* to half the size */
    {2, 8, 9, 5, 3, 3, 1, 1, 1},   /* of the same size, less at the edge */
    {1, 1, 1, 3, 3, 3, 1, 1, 1},   /* one pixel */
    {3, 7, 6, 70, 7, 6, 1, 0, 0},  /* the whole image; more channels than a block */
    {2, 5, 11, 65, 1, 5, 3, 0, 2}, /* nothing is symmetric */
    {2, 6, 7, 2, 2, 2, 3, 0, 0},   /* pixels that nobody sees */
};
enum { POOLS = sizeof pools / sizeof *pools };

static void pool_formula(const PassCase *c, double *y, double **x)
{
    const PoolDims *d = c->dims;
    bool mean = c->op == &op_meanpool;
    int OH = pool_out_height(d), OW = pool_out_width(d);
    for (int at = 0; at < c->N * OH * OW * d->C; at++) {
        int k = at % d->C, pixel = at / d->C, n = pixel / OW / OH, count = 0;
        double sum = 0, most = -HUGE_VAL;
        for (int tap = 0; tap < d->R * d->S; tap++) {
            int h = pixel / OW % OH * d->stride + tap / d->S - d->pad_h;
            int w = pixel % OW * d->stride + tap % d->S - d->pad_w;
            if (h < 0 || h >= d->H || w < 0 || w >= d->W) continue;
            double value = x[0][((n * d->H + h) * d->W + w) * d->C + k];
            sum += value;
            most = fmax(most, value);
            count++;
        }
        y[at] = mean ? sum / count : most;
    }
}

static void check_pool(const Op *op, const PoolDims *d)
{
    PassCase c = {.op = op, .dims = d, .N = d->N, .inputs = 1, .active = 1};
    c.per[0] = (size_t)(d->H * d->W * d->C);
    c.out = (size_t)(pool_out_height(d) * pool_out_width(d) * d->C);
    c.prepare = op == &op_maxpool ? spread_values : NULL;
    c.formula = pool_formula;
    check_passes(&c);
}

TEST(maxpool_passes_agree_with_the_formula)
{
    for (int i = 0; i < POOLS; i++) check_pool(&op_maxpool, &pools[i]);
}

TEST(meanpool_passes_agree_with_the_formula)
{
    for (int i = 0; i < POOLS; i++) check_pool(&op_meanpool, &pools[i]);
}

TEST(maxpool_takes_the_first_of_equal_values_and_passes_nan_on)
{
    PoolDims d = {.N = 1, .H = 1, .W = 4, .C = 1, .R = 1, .S = 2, .stride = 2};
    float x[4] = {3, 3, NAN, 5}, y[2], dx[4] = {0}, dy[2] = {1, 2};
    op_maxpool.forward(&(OpCall){.dims = &d, .x = {x}, .y = y});
    op_maxpool.backward(&(OpCall){.dims = &d, .x = {x}, .dy = dy, .dx = {dx}});
    EXPECT(y[0] == 3 && isnan(y[1]));
    EXPECT(dx[0] == 1 && dx[1] == 0 && dx[2] == 2 && dx[3] == 0);
    x[2] = 5, x[3] = NAN;
    op_maxpool.forward(&(OpCall){.dims = &d, .x = {x}, .y = y});
    EXPECT(isnan(y[1]));
}
