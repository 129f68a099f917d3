/* Fusing changes where sums are made, not what they are: a net whose sums and upsampling are fused
 * into a convolution against the same net declared so that nothing can be. */

#include "base/parallel.h"
#include "net_case.h"

enum { BATCH = 3, CHANNELS = 8, WIDE = 16 };

static int conv(Net *net, int x, int kernel, const char *name)
{
    int pad = kernel / 2;
    ConvOptions o = {.kernel = kernel, .stride = 1, .pad_first = pad, .pad_last = pad};
    return net_conv2d(net, x, WIDE, &o, name);
}

/* y = norm(r + (conv(up) + e)). What is added is declared before the convolution, or after it, which
 * rules fusing out; an upsampled image with two readers rules it out too. */
static void declare(NetCase *c, bool fusable, const NetCase *first)
{
    Net *net = case_new(c, BATCH, first);
    c->x = net_input(net, 5, 6, CHANNELS, true);
    c->t = net_input(net, 1, 1, 1, false);
    int features = net_time_features(net, c->t, 6, TIME_POSITIONAL, false, 1, 0, "time");
    int up = net_upsample(net, c->x), other = fusable ? net_upsample(net, c->x) : up;
    int e = -1, r = -1, h = -1;
    for (int turn = 0; turn < 2; turn++) {
        if ((turn == 0) == fusable) {
            e = net_linear(net, features, WIDE, false, "e");
            r = conv(net, other, 1, "r");
        } else {
            h = conv(net, up, 3, "c");
        }
    }
    int sum = net_add(net, r, net_shift(net, h, e));
    c->y = net_groupnorm(net, sum, 4, 1e-5f, true, "norm");
    net_set_output(net, c->y);
}

TEST(fused_passes_equal_the_passes_one_by_one)
{
    for (int mode = NET_INFER; mode <= NET_SECOND; mode++) {
        NetCase fused, plain;
        declare(&fused, true, NULL);
        case_begin(&fused, (NetMode)mode);
        declare(&plain, false, &fused);
        case_begin(&plain, (NetMode)mode);
        EXPECT_CLOSE(case_forward(&fused, fused.weights), case_forward(&plain, fused.weights),
                     fused.y_floats, 2e-6);
        size_t floats = fused.table->block_floats;
        float *a = test_floats(floats), *b = test_floats(floats);
        if (mode != NET_INFER) {
            case_backward(&fused, fused.weights, a);
            case_backward(&plain, fused.weights, b);
            EXPECT_CLOSE(a, b, floats, 3e-6);
            EXPECT_CLOSE(net_gradient(fused.net, fused.x), net_gradient(plain.net, plain.x),
                         fused.x_floats, 3e-6);
        }
        if (mode == NET_SECOND) {
            case_tangent(&fused, fused.weights);
            case_tangent(&plain, fused.weights);
            EXPECT_CLOSE(net_tangent_of(fused.net, fused.y), net_tangent_of(plain.net, plain.y),
                         fused.y_floats, 3e-6);
            memcpy(net_gradient2(fused.net, fused.y), fused.my, fused.y_floats * sizeof(float));
            memcpy(net_gradient2(plain.net, plain.y), fused.my, fused.y_floats * sizeof(float));
            net_backward2(fused.net, fused.weights, a);
            net_backward2(plain.net, fused.weights, b);
            EXPECT_CLOSE(a, b, floats, 5e-6);
            EXPECT_CLOSE(net_gradient2(fused.net, fused.x), net_gradient2(plain.net, plain.x),
                         fused.x_floats, 5e-6);
        }
        case_end(&plain);
        case_end(&fused);
    }
}

TEST(fusing_saves_the_buffers_between)
{
    NetCase fused, plain;
    declare(&fused, true, NULL);
    declare(&plain, false, &fused);
    EXPECT(net_plan_bytes(fused.net, NET_INFER, parallel_threads()) <
           net_plan_bytes(plain.net, NET_INFER, parallel_threads()));
    case_begin(&fused, NET_INFER);
    case_begin(&plain, NET_INFER);
    case_end(&plain);
    case_end(&fused);
}

/* Holding the weights only saves their preparation: the bits are the same, and after the promise is
 * taken back changed weights count. */
TEST(held_weights_give_the_same_bits)
{
    NetCase c;
    declare(&c, true, NULL);
    case_begin(&c, NET_TRAIN);
    size_t floats = c.table->block_floats;
    float *a = test_floats(floats), *b = test_floats(floats);
    case_backward(&c, c.weights, a);
    float *y = test_copy(net_value(c.net, c.y), c.y_floats);
    net_hold(c.net, c.weights);
    case_backward(&c, c.weights, b);
    EXPECT_SAME(net_value(c.net, c.y), y, c.y_floats * sizeof *y);
    EXPECT_SAME(b, a, floats * sizeof *a);
    for (size_t i = 0; i < floats; i++) c.weights[i] *= 1.25f;
    net_hold(c.net, NULL);
    float *changed = test_copy(case_forward(&c, c.weights), c.y_floats);
    EXPECT(memcmp(changed, y, c.y_floats * sizeof *y) != 0);
    net_hold(c.net, c.weights);
    EXPECT_SAME(case_forward(&c, c.weights), changed, c.y_floats * sizeof *y);
    case_end(&c);
}
