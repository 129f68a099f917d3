/* Parameters of a network: their places, layouts on disk, and first values. */
#include "base/mem.h"
#include "net_zoo.h"

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
