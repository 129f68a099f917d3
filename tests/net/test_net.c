/* The graph: parameters, shapes, plans, passes, on a small net that holds every operation. */
#include "net/net.h"

#include "base/mem.h"
#include "base/parallel.h"
#include "math/vec.h"
#include "net/net_internal.h"
#include "net_zoo.h"

TEST(every_operation_has_the_passes_that_the_network_runs)
{
    for (const Op *const *op = net_ops; *op; op++) {
        EXPECT((*op)->name && (*op)->dims_bytes && (*op)->forward && (*op)->backward);
        bool labels = *op == &op_class_embed; /* nothing differentiates by its input */
        EXPECT(!(*op)->reads == !(*op)->backward2 || labels);
    }
}

TEST(the_small_net_holds_every_operation)
{
    NetCase c;
    declare_zoo(&c, 1, true, false);
    for (const Op *const *op = net_ops; *op; op++) {
        bool seen = false;
        for (int i = 0; i < c.net->count; i++) seen = seen || c.net->nodes[i].op == *op;
        if (!EXPECT(seen || *op == &op_conv2d_fast)) printf("  %s\n", (*op)->name);
    }
    case_begin(&c, NET_INFER);
    case_end(&c);
}

TEST(parameter_gradients_match_central_differences)
{
    NetCase c;
    declare_zoo(&c, 2, false, false);
    case_begin(&c, NET_TRAIN);
    net_set_dropout(c.net, true, 11, 3);
    float *grads = test_floats(c.table->block_floats);
    case_backward(&c, c.weights, grads);
    case_expect_gradients(&c, case_loss, grads, 2e-3);
    case_end(&c);
}

TEST(input_gradients_match_central_differences)
{
    NetCase c;
    declare_zoo(&c, 2, true, true);
    case_begin(&c, NET_TRAIN);
    case_backward(&c, c.weights, NULL);
    double got = test_dot(net_gradient(c.net, c.x), c.r, c.x_floats);
    double slope = case_slope(&c, case_loss, net_value(c.net, c.x), c.r, c.x_floats, 4e-3);
    EXPECT_NEAR(got, slope, 1e-3 * fabs(slope));
    case_backward(&c, c.weights, NULL);
    float direction[2] = {0.5f, -1.0f};
    got = test_dot(net_gradient(c.net, c.t), direction, 2);
    slope = case_slope(&c, case_loss, net_value(c.net, c.t), direction, 2, 4e-3);
    EXPECT_NEAR(got, slope, 1e-3 * fabs(slope));
    case_end(&c);
}

TEST(tangent_is_the_adjoint_of_backward)
{
    for (int t_wants = 0; t_wants < 2; t_wants++) {
        NetCase c;
        declare_zoo(&c, 3, true, t_wants);
        case_begin(&c, NET_SECOND);
        net_set_dropout(c.net, true, 5, 1);
        case_backward(&c, c.weights, NULL);
        if (t_wants) test_normals(net_tangent_of(c.net, c.t), 3, 9, 1.0f);
        case_tangent(&c, c.weights);
        case_expect_adjoint(
            &c, t_wants ? test_dot(net_gradient(c.net, c.t), net_tangent_of(c.net, c.t), 3) : 0.0);
        case_end(&c);
    }
}

TEST(second_gradients_match_central_differences)
{
    for (int t_wants = 0; t_wants < 2; t_wants++) {
        NetCase c;
        declare_zoo(&c, 2, true, t_wants);
        case_begin(&c, NET_SECOND);
        net_set_dropout(c.net, true, 11, 3);
        if (t_wants) test_normals(net_tangent_of(c.net, c.t), 2, 9, 0.3f);
        float *grads = test_floats(c.table->block_floats);
        case_backward2(&c, c.weights, grads);
        float *mx = test_copy(net_gradient2(c.net, c.x), c.x_floats);
        case_expect_gradients(&c, case_second_loss, grads, 4e-3);
        float *direction = test_random(c.x_floats, 77, 1.0f);
        double slope =
            case_slope(&c, case_second_loss, net_value(c.net, c.x), direction, c.x_floats, 4e-3);
        double norm = sqrt(test_dot(mx, mx, c.x_floats));
        EXPECT_NEAR(test_dot(mx, direction, c.x_floats), slope, 2e-3 * norm);
        case_end(&c);
    }
}

TEST(gradients_are_added_to_what_stands_there)
{
    NetCase c;
    declare_zoo(&c, 2, true, false);
    case_begin(&c, NET_SECOND);
    float *once = test_floats(c.table->block_floats), *added = test_floats(c.table->block_floats);
    float *start = test_random(c.table->block_floats, 40, 1.0f);
    case_backward(&c, c.weights, once);
    memcpy(added, start, c.table->block_floats * sizeof *added);
    case_backward(&c, c.weights, added);
    for (size_t i = 0; i < c.table->block_floats; i++) added[i] -= start[i];
    EXPECT_CLOSE(added, once, c.table->block_floats, 1e-5);
    memset(once, 0, c.table->block_floats * sizeof *once);
    case_backward2(&c, c.weights, once);
    memcpy(added, start, c.table->block_floats * sizeof *added);
    case_backward2(&c, c.weights, added);
    for (size_t i = 0; i < c.table->block_floats; i++) added[i] -= start[i];
    EXPECT_CLOSE(added, once, c.table->block_floats, 1e-5);
    case_end(&c);
}

TEST(every_mode_gives_the_same_output_bits)
{
    float *first = NULL;
    for (int mode = NET_INFER; mode <= NET_SECOND; mode++) {
        NetCase c;
        declare_zoo(&c, 2, true, false);
        case_begin(&c, (NetMode)mode);
        const float *y = case_forward(&c, c.weights);
        if (!first) first = test_copy(y, c.y_floats);
        EXPECT_SAME(y, first, c.y_floats * sizeof *first);
        case_end(&c);
    }
}

TEST(input_gradients_do_not_need_parameter_gradients)
{
    NetCase c;
    declare_zoo(&c, 2, true, true);
    case_begin(&c, NET_TRAIN);
    float *grads = test_floats(c.table->block_floats), *dx = test_floats(c.x_floats);
    case_backward(&c, c.weights, grads);
    memcpy(dx, net_gradient(c.net, c.x), c.x_floats * sizeof *dx);
    case_backward(&c, c.weights, NULL);
    EXPECT_SAME(net_gradient(c.net, c.x), dx, c.x_floats * sizeof *dx);
    case_end(&c);
}

TEST(any_number_of_threads_gives_the_same_bits)
{
    float *y = NULL, *first = NULL, *second = NULL;
    FOR_THREADS(threads)
    {
        NetCase c;
        (void)threads;
        declare_zoo(&c, 3, true, false);
        case_begin(&c, NET_SECOND);
        net_set_dropout(c.net, true, 11, 3);
        size_t floats = c.table->block_floats, bytes = floats * sizeof(float);
        float *g = test_floats(floats), *g2 = test_floats(floats);
        case_backward(&c, c.weights, g);
        case_backward2(&c, c.weights, g2);
        if (!y) y = test_copy(net_value(c.net, c.y), c.y_floats), first = g, second = g2;
        EXPECT_SAME(net_value(c.net, c.y), y, c.y_floats * sizeof *y);
        EXPECT_SAME(g, first, bytes);
        EXPECT_SAME(g2, second, bytes);
        case_end(&c);
    }
}

TEST(an_image_alone_has_the_bits_it_has_in_a_batch)
{
    NetCase c, one;
    declare_zoo(&c, 3, true, false);
    case_begin(&c, NET_SECOND);
    declare_zoo(&one, 1, true, false);
    case_begin(&one, NET_SECOND);
    net_forward(c.net, c.weights);
    case_tangent(&c, c.weights);
    for (size_t n = 0; n < 3; n++) {
        case_take_image(&one, &c, n);
        EXPECT_SAME(case_forward(&one, c.weights), net_value(c.net, c.y) + n * one.y_floats,
                    one.y_floats * sizeof(float));
        case_tangent(&one, c.weights);
        EXPECT_SAME(net_tangent_of(one.net, one.y), net_tangent_of(c.net, c.y) + n * one.y_floats,
                    one.y_floats * sizeof(float));
    }
    case_end(&one);
    case_end(&c);
}

TEST(the_passes_allocate_nothing)
{
    NetCase c;
    declare_zoo(&c, 2, true, false);
    case_begin(&c, NET_SECOND);
    float *grads = test_floats(c.table->block_floats);
    mem_seal("the four passes");
    case_backward(&c, c.weights, grads);
    case_backward2(&c, c.weights, grads);
    mem_seal(NULL);
    case_end(&c);
}

TEST(dropout_is_off_until_training_and_follows_seed_and_step)
{
    NetCase c;
    declare_zoo(&c, 2, false, false);
    case_begin(&c, NET_TRAIN);
    double off = case_loss(&c, c.weights);
    net_set_dropout(c.net, true, 1, 1);
    double on = case_loss(&c, c.weights);
    EXPECT(on != off);
    EXPECT(case_loss(&c, c.weights) == on);
    net_set_dropout(c.net, true, 1, 2);
    EXPECT(case_loss(&c, c.weights) != on);
    net_set_dropout(c.net, true, 2, 1);
    EXPECT(case_loss(&c, c.weights) != on);
    net_set_dropout(c.net, true, 1, 1);
    EXPECT(case_loss(&c, c.weights) == on);
    net_set_dropout(c.net, false, 1, 1);
    EXPECT(case_loss(&c, c.weights) == off);
    case_end(&c);
}

/* Which of 512 values two dropouts in a row let through at a step. */
static void dropout_masks(uint64_t step, float *first, float *second)
{
    NetCase c;
    Net *net = case_new(&c, 1, NULL);
    int x = net_input(net, 16, 32, 1, false);
    int a = net_dropout(net, x, 0.5f), b = net_dropout(net, x, 0.5f);
    case_plan(&c, net_concat(net, a, b), NET_INFER);
    net_set_dropout(net, true, 1, step);
    for (int i = 0; i < 512; i++) net_value(net, x)[i] = 1.0f;
    const float *y = case_forward(&c, NULL);
    for (int i = 0; i < 512; i++) {
        first[i] = y[2 * i];
        second[i] = y[2 * i + 1];
    }
    case_end(&c);
}

TEST(no_two_dropouts_of_any_steps_share_a_mask)
{
    float a1[512], b1[512], a2[512], b2[512];
    dropout_masks(1, a1, b1);
    dropout_masks(2, a2, b2);
    EXPECT(memcmp(a1, b1, sizeof a1) != 0);
    EXPECT(memcmp(a1, a2, sizeof a1) != 0);
    EXPECT(memcmp(b1, a2, sizeof a1) != 0);
    EXPECT(memcmp(a1, b2, sizeof a1) != 0);
    /* 512 draws of one half: 256 kept, 4 standard deviations of 11.3. */
    EXPECT_NEAR(test_dot(a1, a1, 512) / 4, 256, 46);
}

TEST(a_1x1_convolution_is_the_product_it_should_be)
{
    NetCase c;
    Net *net = case_new(&c, 1, NULL);
    int x = net_input(net, 2, 2, 2, false);
    case_plan(&c, conv(net, x, 3, 1, 1, 0, 0, "conv"), NET_INFER);
    const ParamInfo *w = &c.own.info[params_find(&c.own, "conv.weight")];
    EXPECT(w->rank == 4 && w->shape[0] == 3 && w->shape[1] == 2 && w->shape[2] == 1);
    float *block = test_floats(c.own.block_floats);
    const float disk[6] = {1, 2, 3, 4, 5, 6};
    params_from_disk(w, block + w->offset, disk);
    net_value(net, x)[2] = 1.0f;
    net_value(net, x)[3] = -2.0f;
    const float *y = case_forward(&c, block);
    for (int k = 0; k < 3; k++)
        EXPECT_NEAR((double)y[3 + k], (double)(disk[2 * k] - 2 * disk[2 * k + 1]), 1e-6);
    case_end(&c);
}

TEST(the_mean_of_a_convolution_is_that_of_the_convolution_made)
{
    enum { N = 2, H = 5, W = 7, C = 6, K = 10 };
    ConvOptions same = {3, 1, 1, 1, false};
    NetCase by_mean, made;
    Net *net = case_new(&by_mean, N, NULL);
    int x = net_input(net, H, W, C, false);
    case_plan(&by_mean, net_conv2d_mean(net, x, K, "conv"), NET_INFER);
    net = case_new(&made, N, &by_mean);
    int again = net_input(net, H, W, C, false);
    case_plan(&made, net_conv2d(net, again, K, &same, "conv"), NET_INFER);
    float *weights = test_random(by_mean.own.block_floats, 3, 0.5f), mean[N * K] = {0};
    test_normals(net_value(by_mean.net, x), (size_t)N * H * W * C, 1, 1);
    test_normals(net_value(made.net, again), (size_t)N * H * W * C, 1, 1);
    const float *value = case_forward(&made, weights);
    for (int i = 0; i < N * H * W * K; i++) mean[i / (H * W * K) * K + i % K] += value[i] / (H * W);
    EXPECT_CLOSE(case_forward(&by_mean, weights), mean, N * K, 2e-6);
    case_end(&made);
    case_end(&by_mean);
}

TEST(nodes_are_described_with_shapes_and_parameter_counts)
{
    NetCase c;
    Net *net = case_new(&c, 2, NULL);
    int x = net_input(net, 28, 28, 3, false);
    int y = conv(net, x, 128, 3, 2, 1, 1, "conv_in");
    net_silu(net, y);
    static const char *const lines[] = {"input 28x28x3",
                                        "conv2d conv_in 28x28x3 -> 14x14x128 3,584",
                                        "silu 14x14x128 -> 14x14x128"};
    char line[256];
    for (int i = 0; i < 3; i++) {
        EXPECT(net_describe_node(net, i, line, sizeof line));
        EXPECT_TEXT(line, lines[i]);
    }
    EXPECT(!net_describe_node(net, 3, line, sizeof line));
    EXPECT_NEAR(net_forward_flop(net), 2.0 * 14 * 14 * 9 * 3 * 128, 0.5);
    case_end(&c);
}
