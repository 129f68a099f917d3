/* The plan of a network's memory. */
#include "base/mem.h"
#include "base/parallel.h"
#include "net/net_internal.h"
#include "net_zoo.h"

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
