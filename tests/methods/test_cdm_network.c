/* Training a classifier of noise levels: exact gradients of second order. */

#include "base/parallel.h"
#include "cdm_case.h"

static double total_loss(Case *c)
{
    double sum = 0;
    run_pass(c, &c->batch, NULL);
    for (int n = 0; n < IMAGES; n++)
        sum += c->config.ce_weight * (double)c->ce[n] + c->config.mse_weight * (double)c->mse[n];
    return sum / IMAGES;
}

/* The loss along a direction in one tensor; fourth order in h. */
static double slope(Case *c, size_t offset, const float *direction, size_t n, double h)
{
    static const double at[4] = {1, -1, 2, -2}, factor[4] = {8, -8, -1, 1};
    float *values = c->weights + offset, *before = test_floats(n);
    double sum = 0;
    memcpy(before, values, n * sizeof *values);
    for (int k = 0; k < 4; k++) {
        for (size_t i = 0; i < n; i++)
            values[i] = (float)((double)before[i] + at[k] * h * (double)direction[i]);
        sum += factor[k] * total_loss(c);
    }
    memcpy(values, before, n * sizeof *values);
    return sum / (12 * h);
}

/* Every stride-th tensor's gradient against the slope of the loss along a direction in it: a wrong
 * part of it would move the slope by about its norm. */
static void expect_exact_gradient(double dropout, double ce_weight, double mse_weight, int stride)
{
    Case c;
    case_open(&c, dropout, IMAGES, open_train);
    c.config.ce_weight = ce_weight;
    c.config.mse_weight = mse_weight;
    run_pass(&c, &c.batch, c.grads);
    double all = sqrt(test_dot(c.grads, c.grads, c.table.block_floats));
    EXPECT(all > 0.01);
    for (int i = 0; i < c.table.count; i += stride) {
        const ParamInfo *p = &c.table.info[i];
        float *direction = test_random(p->count, 300u + (unsigned)i, 1);
        const float *g = c.grads + p->offset;
        double size = sqrt(test_dot(direction, direction, p->count));
        for (size_t k = 0; k < p->count; k++) direction[k] = (float)((double)direction[k] / size);
        double want = slope(&c, p->offset, direction, p->count, 0.008);
        double norm = sqrt(test_dot(g, g, p->count));
        if (!EXPECT_NEAR(test_dot(g, direction, p->count), want, 2e-5 * norm + 1.5e-5 * all))
            printf("  %s, norm %g of %g\n", p->name, norm, all);
    }
    case_close(&c);
}

TEST(gradient_of_both_losses_is_the_slope_of_the_loss_in_every_tensor)
{
    expect_exact_gradient(0, 0.7, 1.3, 1);
}

TEST(gradient_of_the_squared_error_alone_is_its_slope)
{
    expect_exact_gradient(0, 0, 1, 5);
}

TEST(all_four_passes_of_a_training_step_see_the_same_dropout_masks)
{
    expect_exact_gradient(0.2, 0.7, 1.3, 3);
}

/* d/dh grad F(x + h r) by ordinary backward passes at -2h, -h, h and 2h, h of each image such that h r
 * is 0.01 per value. Of fourth order because the difference of two passes has its own error: at its
 * best step, 0.003, it was 1.4e-4 to 1.5e-4, and at 0.001, where rounding is most of it, 4e-4 to
 * 6e-4; this one was 5.2e-5 to 6.3e-5 at all instruction levels, the same for 1 and 2 threads. */
TEST(gradient_agrees_with_the_central_difference_of_ordinary_backward_passes)
{
    Case c;
    case_open(&c, 0, IMAGES, open_train);
    c.config.ce_weight = 0;
    Net *net = c.network.net;
    run_pass(&c, &c.batch, c.grads);
    float r[VALUES], *want = mem_floats(c.table.block_floats);
    memcpy(r, net_tangent_of(net, c.network.x), sizeof r);
    static const double at[4] = {1, -1, 2, -2}, factor[4] = {8, -8, -1, 1};
    for (int k = 0; k < 4; k++) {
        float *seed = net_gradient(net, c.network.y);
        memset(seed, 0, IMAGES * CLASSES * sizeof *seed);
        for (int n = 0; n < IMAGES; n++) {
            const float *rn = r + n * DIMS;
            double rms = sqrt(test_dot(rn, rn, DIMS) / DIMS), h = rms > 0 ? 0.01 / rms : 0;
            for (int i = 0; i < DIMS; i++)
                net_value(net, c.network.x)[n * DIMS + i] =
                    (float)((double)c.xt[n * DIMS + i] + at[k] * h * (double)rn[i]);
            if (h > 0) cdm_seed(seed + n * CLASSES, CLASSES, c.classes[n], factor[k] / (12 * h));
        }
        net_forward(net, c.weights);
        net_backward(net, c.weights, want);
    }
    EXPECT_CLOSE(c.grads, want, c.table.block_floats, 2e-4);
    mem_free(want);
    case_close(&c);
}

TEST(the_tangent_along_the_residual_is_the_transpose_of_the_input_gradient)
{
    Case c;
    case_open(&c, 0.2, IMAGES, open_train);
    Net *net = c.network.net;
    run_pass(&c, &c.batch, c.grads);
    for (int n = 0; n < IMAGES; n++) {
        const float *r = net_tangent_of(net, c.network.x) + n * DIMS;
        const float *g = net_gradient(net, c.network.x) + n * DIMS;
        double forward = test_dot(net_gradient(net, c.network.y) + n * CLASSES,
                                  net_tangent_of(net, c.network.y) + n * CLASSES, CLASSES);
        double size = sqrt(test_dot(r, r, DIMS) * test_dot(g, g, DIMS));
        bool flows = c.classes[n] > 0 && c.classes[n] <= T;
        EXPECT(flows ? size > 1e-6 : size == 0);
        EXPECT_NEAR(forward, test_dot(r, g, DIMS), 1e-5 * size);
    }
    case_close(&c);
}

TEST(a_training_pass_has_the_same_bits_for_any_number_of_threads)
{
    Case one;
    parallel_set_threads(1);
    case_open(&one, 0.1, IMAGES, open_train);
    run_pass(&one, &one.batch, one.grads);
    FOR_THREADS(threads)
    {
        EXPECT_INT(parallel_threads(), threads);
        Case c;
        case_open(&c, 0.1, IMAGES, open_train);
        run_pass(&c, &c.batch, c.grads);
        EXPECT_SAME(c.grads, one.grads, one.table.block_floats * sizeof(float));
        EXPECT_SAME(c.ce, one.ce, sizeof c.ce);
        EXPECT_SAME(c.mse, one.mse, sizeof c.mse);
        case_close(&c);
    }
    case_close(&one);
}

TEST(micro_batches_give_the_gradient_of_the_whole_batch)
{
    Case all, one;
    case_open(&all, 0, IMAGES, open_train);
    run_pass(&all, &all.batch, all.grads);
    case_open(&one, 0, 1, open_train);
    for (int n = 0; n < IMAGES; n++) {
        TrainBatch b = one.batch;
        b.xt += n * DIMS, b.target += n * DIMS, b.classes += n, b.sigma += n, b.loss += n;
        b.part[0] += n, b.part[1] += n;
        run_pass(&one, &b, one.grads);
    }
    EXPECT_CLOSE(one.grads, all.grads, all.table.block_floats, 2e-6);
    EXPECT_SAME(one.ce, all.ce, sizeof all.ce);
    EXPECT_SAME(one.mse, all.mse, sizeof all.mse);
    case_close(&one);
    case_close(&all);
}
