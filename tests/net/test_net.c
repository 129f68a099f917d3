/* The graph: parameters, shapes, plans, passes, on a small net that holds every operation. */
#include "net/net.h"

#include "base/mem.h"
#include "base/parallel.h"
#include "math/vec.h"
#include "net/net_internal.h"
#include "net_case.h"

static int conv(Net *net, int x, int channels, int kernel, int stride, int first, int last,
                const char *name)
{
    ConvOptions o = {.kernel = kernel, .stride = stride, .pad_first = first, .pad_last = last};
    return net_conv2d(net, x, channels, &o, name);
}

/* Every kind of node. With x_wants only, the embedding has no tangent; with t_wants it has. */
static void declare_zoo(NetCase *c, int batch, bool x_wants, bool t_wants)
{
    Net *net = case_new(c, batch, NULL);
    c->x = net_input(net, 4, 6, 3, x_wants);
    c->t = net_input(net, 1, 1, 1, t_wants);
    c->label = net_input(net, 1, 1, 1, false);
    int e = net_time_features(net, c->t, 8, TIME_POSITIONAL, true, 0.0, 0.0f, "time");
    int f = net_time_features(net, c->t, 6, TIME_FOURIER, false, 0.0, 0.3f, "fourier");
    int g = net_time_features(net, c->t, 4, TIME_FOURIER_LINEAR, false, 0.0, 0.1f, "linear");
    e = net_add(net, net_linear(net, e, 12, false, "linear_1"),
                net_add(net, net_linear(net, f, 12, false, "linear_2"),
                        net_linear(net, g, 12, false, "linear_3")));
    e = net_silu(net, net_add(net, e, net_class_embed(net, c->label, 3, 12, "classes")));
    /* Frequencies low enough for differences in float. */
    static const int exponents[] = {0};
    int h = net_input_fourier(net, net_affine(net, c->x, 0.25f, 0), exponents, 1);
    h = conv(net, net_affine(net, h, 2.0f, -1.0f), 8, 3, 1, 1, 1, "conv_1");
    h = net_groupnorm(net, h, 4, 1e-5f, true, "norm_1");
    int skip = h;
    h = net_shift(net, h, net_cumsum(net, net_linear(net, e, 8, false, "shift")));
    h = net_modulate(net, h, net_linear(net, e, 16, false, "modulate"));
    h = net_dropout(net, h, 0.3f);
    int n = net_groupnorm(net, h, 2, 1e-5f, false, "norm_2");
    int a = net_attention(net, net_linear(net, n, 6, false, "q"), net_linear(net, n, 6, false, "k"),
                          net_linear(net, n, 6, false, "v"), 2);
    h = net_add(net, h, net_linear(net, a, 8, false, "out"));
    h = conv(net, h, 6, 3, 2, 0, 1, "conv_2");
    /* Without kinks near the values: of equal ones any may be the largest, and all are positive. */
    h = net_maxpool(net, net_upsample(net, h), (WindowOptions){2, 2, 2, false});
    h = net_relu(net, net_affine(net, h, 1, 9));
    h = net_meanpool(net, h, (WindowOptions){3, 3, 1, true});
    h = net_concat(net, net_upsample(net, h), skip);
    h = net_affine(net, conv(net, h, 4, 1, 1, 0, 0, "conv_3"), 0.7f, 0);
    h = net_shift(net, h, net_conv2d_mean(net, h, 4, "mean"));
    c->y = net_divide(net, h, c->t);
    net_set_output(net, c->y);
}

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

TEST(planning_twice_gives_the_same_bytes_and_the_same_results)
{
    NetCase c;
    declare_zoo(&c, 2, true, false);
    case_begin(&c, NET_TRAIN);
    size_t train = net_plan_bytes(c.net, NET_TRAIN, parallel_threads());
    EXPECT_INT((long long)(c.net->block_floats * sizeof(float)), (long long)train);
    double loss = case_loss(&c, c.weights);
    size_t infer = net_plan_bytes(c.net, NET_INFER, parallel_threads()),
           second = net_plan_bytes(c.net, NET_SECOND, parallel_threads());
    EXPECT(infer < train && train < second);
    EXPECT(net_plan_bytes(c.net, NET_TRAIN, parallel_threads()) == train);
    /* Asking left the plan in use alone. */
    EXPECT(case_loss(&c, c.weights) == loss);
    Err err;
    EXPECT(net_plan(c.net, NET_TRAIN, &err));
    EXPECT_INT((long long)(c.net->block_floats * sizeof(float)), (long long)train);
    case_end(&c);
}

/* A chain of n SiLUs over an image of 64 KiB. */
static long long chain_bytes(int n, NetMode mode, bool wants)
{
    NetCase c;
    Net *net = case_new(&c, 1, NULL);
    int x = net_input(net, 64, 64, 4, wants);
    for (int i = 0; i < n; i++) x = net_silu(net, x);
    net_set_output(net, x);
    size_t bytes = net_plan_bytes(net, mode, parallel_threads());
    case_end(&c);
    return (long long)bytes;
}

TEST(inference_reuses_buffers_and_training_keeps_what_backward_reads)
{
    const size_t image = 65536;
    /* The input stays; two buffers take turns, one of which ends as the output. */
    EXPECT_INT(chain_bytes(6, NET_INFER, true), 3 * image);
    EXPECT_INT(chain_bytes(60, NET_INFER, true), 3 * image);
    /* Backward reads every x; output, its cotangent and one more stand beside them, and later
     * cotangents take the places of values that have been read. */
    EXPECT_INT(chain_bytes(60, NET_TRAIN, true), 63 * image);
    /* Nothing wants a gradient and there is no parameter: as inference. */
    EXPECT_INT(chain_bytes(60, NET_TRAIN, false), 3 * image);
}

TEST(training_computes_no_gradient_towards_images)
{
    for (int wants = 0; wants < 2; wants++) {
        NetCase c;
        declare_zoo(&c, 2, wants, false);
        case_begin(&c, NET_TRAIN);
        for (int i = 0; i < c.net->count; i++) {
            const Node *node = &c.net->nodes[i];
            bool of_image = i == c.x || node->op == &op_input_fourier;
            if (of_image) EXPECT((node->gradient != NOWHERE) == wants);
            if (node->op == &op_time_features) EXPECT(node->gradient == NOWHERE);
        }
        case_end(&c);
    }
}

TEST(a_net_too_large_for_memory_is_an_error_that_names_the_bytes)
{
    NetCase c;
    Net *net = case_new(&c, 1 << 30, NULL);
    int x = net_input(net, 16384, 16384, 16, false);
    net_set_output(net, net_affine(net, x, 2.0f, 0));
    Err err;
    EXPECT_REFUSED(net_plan(net, NET_INFER, &err), err, ERR_MEMORY, "36893488147419103232 bytes");
    case_end(&c);
}

TEST(nets_of_other_batches_share_one_table)
{
    NetCase c[3];
    for (int i = 0; i < 3; i++) {
        Net *net = case_new(&c[i], i + 1, i ? &c[0] : NULL);
        int x = net_input(net, 4, 4, 2, false);
        case_plan(&c[i], conv(net, x, 3, 3, 1, 1, 1, "conv"), NET_INFER);
        const ParamTable *table = &c[0].own;
        EXPECT(table->sealed && table->block_floats == 64 + 16 && table->count == 2);
    }
    for (int i = 2; i >= 0; i--) case_end(&c[i]);
}

TEST(parameters_lie_at_multiples_of_sixteen_with_zeros_between)
{
    NetCase c;
    declare_zoo(&c, 1, false, false);
    float *block = test_random(c.table->block_floats, 5, 1.0f);
    params_init(c.table, block, 3);
    size_t end = 0, parameters = 0;
    for (int i = 0; i < c.table->count; i++) {
        const ParamInfo *p = &c.table->info[i];
        EXPECT(p->offset % 16 == 0 && p->offset >= end);
        for (; end < p->offset; end++) EXPECT(block[end] == 0.0f);
        end = p->offset + p->count;
        parameters += p->count;
        EXPECT_INT(params_find(c.table, p->name), i);
    }
    for (; end < c.table->block_floats; end++) EXPECT(block[end] == 0.0f);
    EXPECT(parameters == c.table->parameters);
    EXPECT_INT(params_find(c.table, "conv_1"), -1);
    case_end(&c);
}

TEST(disk_layouts_are_output_channel_first)
{
    NetCase c;
    Net *net = case_new(&c, 1, NULL);
    int x = net_input(net, 4, 4, 2, false);
    net_linear(net, conv(net, x, 3, 3, 1, 1, 1, "conv"), 5, false, "linear");
    const ParamInfo *w = &c.own.info[params_find(&c.own, "conv.weight")];
    const ParamInfo *l = &c.own.info[params_find(&c.own, "linear.weight")];
    EXPECT(w->rank == 4 && w->shape[0] == 3 && w->shape[1] == 2 && w->shape[2] == 3);
    EXPECT(l->rank == 2 && l->shape[0] == 5 && l->shape[1] == 3);
    float disk[54], memory[54], back[54];
    for (int i = 0; i < 54; i++) disk[i] = (float)i;
    params_from_disk(w, memory, disk);
    for (int k = 0; k < 3; k++)
        for (int j = 0; j < 2; j++)
            for (int rs = 0; rs < 9; rs++)
                EXPECT(memory[(rs * 2 + j) * 3 + k] == disk[(k * 2 + j) * 9 + rs]);
    params_to_disk(w, back, memory);
    EXPECT_SAME(back, disk, sizeof disk);
    params_from_disk(l, memory, disk);
    for (int k = 0; k < 5; k++)
        for (int j = 0; j < 3; j++) EXPECT(memory[j * 5 + k] == disk[k * 3 + j]);
    params_to_disk(l, back, memory);
    EXPECT_SAME(back, disk, 15 * sizeof *disk);
    case_end(&c);
}

/* A table of conv (C -> 4), linear, norm and class embedding. */
static void small_table(ParamTable *table, int C, bool zero)
{
    Net *net = net_new(table, 1);
    int x = net_input(net, 8, 8, C, false), label = net_input(net, 1, 1, 1, false);
    int h = net_linear(net, conv(net, x, 4, 3, 1, 1, 1, "conv"), 64, zero, "linear");
    net_groupnorm(net, h, 4, 1e-5f, false, "norm");
    net_class_embed(net, label, 50, 32, "classes");
    net_free(net);
}

TEST(initialisation_is_a_function_of_seed_and_tensor_number)
{
    ParamTable a = {0}, b = {0};
    small_table(&a, 3, false);
    small_table(&b, 7, false);
    float *one = test_floats(a.block_floats), *two = test_floats(b.block_floats);
    params_init(&a, one, 9);
    params_init(&b, two, 9);
    /* Tensors 0 and 1 are the convolution, which has other sizes or another fan-in. */
    for (int i = 2; i < a.count; i++)
        EXPECT_SAME(one + a.info[i].offset, two + b.info[i].offset, a.info[i].count * sizeof *one);
    params_init(&a, two, 9);
    EXPECT_SAME(one, two, a.block_floats * sizeof *one);
    params_init(&a, two, 10);
    EXPECT(memcmp(one + a.info[0].offset, two + a.info[0].offset, 16) != 0);
    params_free(&a);
    params_free(&b);
}

TEST(fresh_weights_follow_their_rules)
{
    ParamTable table = {0}, zero = {0};
    small_table(&table, 3, false);
    small_table(&zero, 3, true);
    float *block = test_floats(table.block_floats);
    params_init(&table, block, 1);
    const ParamInfo *w = &table.info[params_find(&table, "conv.weight")];
    const ParamInfo *b = &table.info[params_find(&table, "conv.bias")];
    const ParamInfo *e = &table.info[params_find(&table, "classes.weight")];
    const ParamInfo *g = &table.info[params_find(&table, "norm.weight")];
    double bound = 1 / sqrt(27.0), squares = 0, largest = 0;
    for (size_t i = 0; i < w->count; i++) {
        double v = (double)block[w->offset + i];
        largest = test_larger(largest, fabs(v));
        squares += v * v;
    }
    EXPECT(largest <= bound && largest > 0.9 * bound);
    /* Variance bound^2 / 3; 108 draws, 4 standard errors. */
    EXPECT_NEAR(squares / 108 / (bound * bound / 3), 1.0, 4 * sqrt(0.8 / 108));
    for (size_t i = 0; i < b->count; i++) EXPECT(fabs((double)block[b->offset + i]) <= bound);
    EXPECT(block[b->offset] != 0.0f && block[g->offset] == 1.0f);
    squares = test_dot(block + e->offset, block + e->offset, e->count) / 1600;
    EXPECT_NEAR(squares, 1.0, 4 * sqrt(2.0 / 1600));
    params_init(&zero, block, 1);
    const ParamInfo *z = &zero.info[params_find(&zero, "linear.weight")];
    for (size_t i = 0; i < z->count; i++) EXPECT(block[z->offset + i] == 0.0f);
    params_free(&zero);
    params_free(&table);
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

/* The first of the two reads makes the cotangent, the second adds to it. */
TEST(both_halves_of_a_concat_of_a_node_with_itself_reach_it)
{
    enum { PIXELS = 2 * 4 * 4, CHANNELS = 3 };
    NetCase k;
    Net *net = case_new(&k, 2, NULL);
    int x = net_input(net, 4, 4, CHANNELS, true), h = net_affine(net, x, 2.0f, 0);
    int y = net_concat(net, h, h);
    case_plan(&k, y, NET_TRAIN);
    test_normals(net_value(net, x), (size_t)PIXELS * CHANNELS, 1, 1);
    for (int turn = 0; turn < 2; turn++) { /* the second finds what the first left */
        net_forward(net, NULL);
        float *dy = net_gradient(net, y);
        test_normals(dy, (size_t)PIXELS * 2 * CHANNELS, 2, 1);
        net_backward(net, NULL, NULL);
        const float *dx = net_gradient(net, x);
        for (int i = 0; i < PIXELS; i++)
            for (int c = 0; c < CHANNELS; c++) {
                const float *pair = dy + 2 * CHANNELS * i + c;
                EXPECT_NEAR((double)dx[CHANNELS * i + c],
                            2 * ((double)pair[0] + (double)pair[CHANNELS]), 1e-5);
            }
    }
    case_end(&k);
}

/* A concat whose readers are a norm and a linear layer, or one more that wants it whole; `given`:
 * both halves bring the norm's sums with them. */
enum { JOIN_N = 3, JOIN_SIDE = 8, JOIN_B = 40 };
static void joined_declare(NetCase *c, int channels_a, bool given, bool whole)
{
    Net *net = case_new(c, JOIN_N, NULL);
    ConvOptions same = {3, 1, 1, 1, false};
    c->x = net_input(net, JOIN_SIDE, JOIN_SIDE, 16, false);
    int a = net_conv2d(net, c->x, channels_a, &same, "a");
    int b = given ? net_conv2d(net, c->x, JOIN_B, &same, "b")
                  : net_linear(net, c->x, JOIN_B, false, "b");
    int joined = net_concat(net, a, b);
    int norm = net_groupnorm(net, joined, 8, 1e-6f, true, "norm");
    c->y = net_add(net, net_linear(net, joined, channels_a + JOIN_B, false, "linear"), norm);
    if (whole) c->y = net_add(net, c->y, joined);
    net_set_output(net, c->y);
}

/* Plans, and the output of one forward pass in *y; returns how many concats were made. */
static int joined_run(NetCase *c, NetMode mode, float **y)
{
    case_begin(c, mode);
    *y = test_copy(case_forward(c, c->weights), c->y_floats);
    return case_nodes(c, "concat");
}

/* The same, from the declaration on. */
static int joined_halves(int channels_a, NetMode mode, bool given, bool whole, float **y,
                         size_t *bytes)
{
    NetCase c;
    joined_declare(&c, channels_a, given, whole);
    int concats = joined_run(&c, mode, y);
    *bytes = net_plan_bytes(c.net, mode, parallel_threads());
    case_end(&c);
    return concats;
}

/* Two ways to one result that differ in the shapes of their products, which the bits of a BLAS follow. */
static void expect_same_floats(const float *y, const float *expected, size_t n)
{
    if (vec_uses_blas())
        EXPECT_CLOSE(y, expected, n, 1e-5);
    else
        EXPECT_SAME(y, expected, n * sizeof *y);
}

TEST(sampling_reads_a_concat_in_its_halves_with_the_bits_of_training)
{
    const size_t floats = JOIN_N * JOIN_SIDE * JOIN_SIDE * (16 + JOIN_B);
    for (int given = 0; given < 2; given++) {
        size_t bytes[2], unused;
        float *y[2];
        for (int whole = 0; whole < 2; whole++) {
            EXPECT_INT(joined_halves(16, NET_TRAIN, given, whole, &y[0], &unused), 1);
            EXPECT_INT(joined_halves(16, NET_INFER, given, whole, &y[1], &bytes[whole]), whole);
            expect_same_floats(y[0], y[1], floats);
        }
        EXPECT(bytes[0] + floats * sizeof(float) <= bytes[1]);
    }
}

TEST(sampling_makes_a_concat_whose_first_half_is_no_whole_vectors)
{
    static const int channels[] = {8, 24, 40};
    for (int i = 0; i < 6; i++) {
        int given = i % 2, C = channels[i / 2];
        size_t floats = JOIN_N * JOIN_SIDE * JOIN_SIDE * (size_t)(C + JOIN_B), unused;
        float *y[2];
        joined_halves(C, NET_TRAIN, given, false, &y[0], &unused);
        EXPECT_INT(joined_halves(C, NET_INFER, given, false, &y[1], &unused), 1);
        EXPECT_SAME(y[0], y[1], floats * sizeof *y[0]);
    }
}

TEST(halves_are_joined_again_where_something_goes_back)
{
    static const NetMode modes[] = {NET_INFER, NET_TRAIN, NET_INFER, NET_INFER, NET_TRAIN};
    for (int given = 0; given < 2; given++) {
        NetCase c;
        joined_declare(&c, 16, given, false);
        float *y[2];
        for (int i = 0; i < 5; i++) {
            EXPECT_INT(joined_run(&c, modes[i], &y[i > 0]), modes[i] == NET_TRAIN);
            if (i > 0) expect_same_floats(y[1], y[0], c.y_floats);
        }
        case_end(&c);
    }
}

/* Its reader is not needed for the output. */
TEST(a_concat_that_is_the_output_is_made)
{
    NetCase c;
    joined_declare(&c, 16, true, false);
    c.y = net_concat(c.net, c.y, net_affine(c.net, c.y, 3, 0));
    EXPECT(net_groupnorm(c.net, c.y, 8, 1e-6f, true, "unread") > c.y);
    net_set_output(c.net, c.y);
    float *y[2];
    EXPECT_INT(joined_run(&c, NET_TRAIN, &y[0]), 2);
    EXPECT_INT(joined_run(&c, NET_INFER, &y[1]), 1);
    expect_same_floats(y[0], y[1], c.y_floats);
    for (int i = 0; i < 56; i++) EXPECT_NEAR((double)y[1][56 + i], 3 * (double)y[1][i], 1e-5);
    case_end(&c);
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
