/* The U-Net: diffusers' names and numbers, gradients against PyTorch's, configuration messages. */
#include "base/mem.h"
#include "base/parallel.h"

#include "unet_case.h"
#include "unet_rule.h"

/* ---- declaring ---- */

/* The network at labels t, its weights drawn as training draws them. Result in `out`. */
static size_t run_at(TimeFeatureKind kind, float scale, const float t[2], float *out)
{
    enum { ROOM = 2 * 3 * 8 * 8 };
    UNetConfig u = tiny();
    u.time_kind = kind;
    u.fourier_scale = (double)scale;
    NetCase c;
    declare(&c, &u, 2, 8, false);
    case_begin(&c, NET_INFER);
    memcpy(net_value(c.net, c.t), t, 2 * sizeof *t);
    net_forward(c.net, c.weights);
    size_t n = c.y_floats;
    if (EXPECT(n == ROOM)) memcpy(out, net_value(c.net, c.y), n * sizeof *out);
    case_end(&c);
    return n;
}

/* At sigma = e^t the two kinds of features are the same, and only one divides by sigma. */
TEST(linear_fourier_features_are_those_of_the_exponential_and_nothing_is_divided)
{
    const float t[2] = {0.25f, 0.75f}, sigma[2] = {expf(0.25f), expf(0.75f)};
    float plain[384], divided[384];
    size_t n = run_at(TIME_FOURIER_LINEAR, 1.0f, t, plain);
    run_at(TIME_FOURIER, 1.0f, sigma, divided);
    double moved = 0;
    for (size_t i = 0; i < n; i++) {
        double back = (double)divided[i] * (double)sigma[i / (n / 2)];
        EXPECT_NEAR((double)plain[i], back, 2e-5);
        moved = test_larger(moved, fabs((double)plain[i] - (double)divided[i]));
    }
    EXPECT(moved > 0.01);
}

TEST(fourier_frequencies_are_drawn_with_the_scale_asked_for)
{
    float drawn[2][8];
    for (int k = 0; k < 2; k++) {
        UNetConfig u = tiny();
        u.time_kind = k ? TIME_FOURIER_LINEAR : TIME_FOURIER;
        if (k) u.fourier_scale = 4.0;
        NetCase c;
        declare(&c, &u, 1, 8, false);
        float *weights = test_floats(c.table->block_floats);
        params_init(c.table, weights, 3);
        int at = params_find(c.table, "time_proj.weight");
        if (!EXPECT(at >= 0 && c.table->info[at].count == 8 && !c.table->info[at].trainable))
            return;
        memcpy(drawn[k], weights + c.table->info[at].offset, sizeof drawn[k]);
        case_end(&c);
    }
    for (int i = 0; i < 8; i++) EXPECT_NEAR((double)drawn[0][i], 4 * (double)drawn[1][i], 1e-5);
    EXPECT(drawn[0][0] != 0);
}

/* ---- names and shapes ---- */

static UNetConfig cifar10(void)
{
    UNetConfig u;
    unet_config_defaults(&u);
    u.levels = 4;
    u.block_channels[0] = 128;
    for (int i = 1; i < 4; i++) u.block_channels[i] = 256;
    u.down_attention[1] = u.up_attention[2] = true;
    u.downsample_padding = 0;
    u.flip_sin_to_cos = false;
    u.freq_shift = 1.0;
    u.eps = 1e-6;
    u.head_dim = 0;
    return u;
}

TEST(the_cifar10_model_has_the_tensors_of_the_published_one)
{
    UNetConfig u = cifar10();
    NetCase c;
    declare(&c, &u, 1, 32, false);
    EXPECT_INT((long long)c.table->parameters, 35746307);
    EXPECT_INT(c.table->count, 328);
    FILE *file = fopen("tests/golden/cifar10_tensors.txt", "r");
    if (!EXPECT(file)) return;
    char name[128], shape[64];
    int lines = 0;
    for (; fscanf(file, "%127s %63s", name, shape) == 2; lines++) {
        int index = params_find(c.table, name);
        if (!EXPECT(index >= 0)) {
            printf("  %s is missing\n", name);
            continue;
        }
        const ParamInfo *p = &c.table->info[index];
        char ours[64] = "";
        for (int i = 0, at = 0; i < p->rank; i++)
            at += snprintf(ours + at, sizeof ours - (size_t)at, i ? "x%d" : "%d", p->shape[i]);
        EXPECT_TEXT(ours, shape);
    }
    fclose(file);
    EXPECT_INT(lines, 328);
    case_end(&c);
}

TEST(the_train_unconditional_default_has_its_published_size)
{
    UNetConfig u;
    unet_config_defaults(&u);
    const int channels[6] = {128, 128, 256, 256, 512, 512};
    u.levels = 6;
    for (int i = 0; i < 6; i++) u.block_channels[i] = channels[i];
    u.down_attention[4] = u.up_attention[1] = true;
    NetCase c;
    declare(&c, &u, 1, 64, false);
    EXPECT_INT((long long)c.table->parameters, 113673219);
    EXPECT_INT(c.table->count, 450);
    case_end(&c);
}

/* ---- properties of a whole network ---- */

static void expect_four_passes_of(const UNetConfig *u)
{
    NetCase c;
    declare(&c, u, 2, 8, true);
    case_begin(&c, NET_SECOND);
    net_set_dropout(c.net, true, 3, 4);
    float *grads = test_floats(c.table->block_floats);
    case_backward(&c, c.weights, grads);
    case_tangent(&c, c.weights);
    case_expect_adjoint(&c, 0.0);
    /* One direction through all weights at once. */
    float *direction = test_random(c.table->block_floats, 8, 0.05f);
    for (int i = 0; i < c.table->count; i++)
        if (!c.table->info[i].trainable)
            memset(direction + c.table->info[i].offset, 0, c.table->info[i].count * sizeof(float));
    double got = test_dot(grads, direction, c.table->block_floats);
    double slope = case_slope(&c, case_loss, c.weights, direction, c.table->block_floats, 0.02);
    EXPECT_NEAR(got, slope, 1e-3 * fabs(slope));
    memset(grads, 0, c.table->block_floats * sizeof *grads);
    case_backward2(&c, c.weights, grads);
    got = test_dot(grads, direction, c.table->block_floats);
    slope = case_slope(&c, case_second_loss, c.weights, direction, c.table->block_floats, 0.02);
    EXPECT_NEAR(got, slope, 1e-3 * fabs(slope));
    case_end(&c);
}

TEST(dropout_in_a_unet_keeps_all_four_passes_consistent)
{
    UNetConfig u = tiny();
    u.dropout = 0.2;
    expect_four_passes_of(&u);
}

TEST(a_classifier_of_noise_levels_keeps_all_four_passes_consistent_under_dropout)
{
    UNetConfig u = classifier();
    u.dropout = 0.2;
    expect_four_passes_of(&u);
}

TEST(a_classifier_of_noise_levels_has_a_head_and_no_time_layers)
{
    UNetConfig u = classifier();
    NetCase c;
    declare(&c, &u, 2, 8, false);
    Shape s = net_shape(c.net, c.y);
    EXPECT(s.H == 1 && s.W == 1 && s.C == 9);
    for (int i = 0; i < c.table->count; i++) EXPECT(!strstr(c.table->info[i].name, "time"));
    EXPECT(params_find(c.table, "conv_out.weight") < 0);
    const ParamInfo *conv = &c.table->info[params_find(c.table, "classifier.conv.weight")];
    EXPECT(conv->shape[0] == 16 && conv->shape[1] == 8 && conv->shape[2] == 3);
    const ParamInfo *linear = &c.table->info[params_find(c.table, "classifier.linear.weight")];
    EXPECT(linear->shape[0] == 9 && linear->shape[1] == 16);
    /* The logits of a level are the sum of the linear layer's outputs up to it: with no weights
     * but its bias, of the bias. */
    case_begin(&c, NET_INFER);
    memset(c.weights, 0, c.table->block_floats * sizeof *c.weights);
    float *bias = c.weights + c.table->info[params_find(c.table, "classifier.linear.bias")].offset;
    for (int k = 0; k < 9; k++) bias[k] = (float)(k + 1);
    net_forward(c.net, c.weights);
    for (int k = 0; k < 9; k++)
        EXPECT_NEAR((double)net_value(c.net, c.y)[k], (k + 1) * (k + 2) / 2.0, 0);
    case_end(&c);
}

TEST(a_unet_has_the_same_bits_for_any_number_of_threads)
{
    UNetConfig u = tiny();
    u.dropout = 0.1;
    float *y = NULL, *first = NULL;
    FOR_THREADS(threads)
    {
        (void)threads;
        NetCase c;
        declare(&c, &u, 3, 16, false);
        case_begin(&c, NET_TRAIN);
        net_set_dropout(c.net, true, 3, 4);
        float *grads = test_floats(c.table->block_floats);
        case_backward(&c, c.weights, grads);
        if (!y) y = test_copy(net_value(c.net, c.y), c.y_floats), first = grads;
        EXPECT_SAME(net_value(c.net, c.y), y, c.y_floats * sizeof *y);
        EXPECT_SAME(grads, first, c.table->block_floats * sizeof *grads);
        case_end(&c);
    }
}

TEST(an_image_through_a_unet_does_not_see_its_batch)
{
    UNetConfig u = tiny();
    NetCase c, one;
    declare(&c, &u, 3, 16, false);
    case_begin(&c, NET_INFER);
    declare(&one, &u, 1, 16, false);
    case_begin(&one, NET_INFER);
    net_forward(c.net, c.weights);
    for (size_t n = 0; n < 3; n++) {
        case_take_image(&one, &c, n);
        EXPECT_SAME(case_forward(&one, c.weights), net_value(c.net, c.y) + n * one.y_floats,
                    one.y_floats * sizeof(float));
    }
    case_end(&one);
    case_end(&c);
}

TEST(sampling_needs_less_memory_than_training_and_no_allocation)
{
    UNetConfig u = tiny();
    NetCase c;
    declare(&c, &u, 32, 16, false);
    EXPECT(3 * net_plan_bytes(c.net, NET_INFER, parallel_threads()) <
           net_plan_bytes(c.net, NET_TRAIN, parallel_threads()));
    case_begin(&c, NET_TRAIN);
    float *grads = test_floats(c.table->block_floats);
    mem_seal("a training step");
    case_backward(&c, c.weights, grads);
    mem_seal(NULL);
    case_end(&c);
}

TEST(zero_initialisation_makes_a_fresh_network_say_zero)
{
    UNetConfig u = tiny();
    u.zero_init = true;
    NetCase c;
    declare(&c, &u, 1, 8, false);
    case_begin(&c, NET_INFER);
    params_init(c.table, c.weights, 1);
    net_forward(c.net, c.weights);
    for (size_t i = 0; i < c.y_floats; i++) EXPECT(net_value(c.net, c.y)[i] == 0.0f);
    static const char *const zeros[] = {
        "conv_out.weight", "conv_out.bias", "mid_block.resnets.0.conv2.weight",
        "down_blocks.1.attentions.0.to_out.0.weight", "up_blocks.1.resnets.1.conv2.bias"};
    int count = 0;
    for (int i = 0; i < c.table->count; i++) count += c.table->info[i].init == INIT_ZERO;
    for (size_t k = 0; k < sizeof zeros / sizeof *zeros; k++) {
        int index = params_find(c.table, zeros[k]);
        EXPECT(index >= 0 && c.table->info[index].init == INIT_ZERO);
    }
    /* Norm biases; and weight and bias of 8 second convolutions, 4 attentions, conv_out. */
    EXPECT_INT(count, 21 + 2 * (8 + 4 + 1));
    case_end(&c);
}

TEST(input_frequencies_widen_the_first_convolution_alone)
{
    NetCase c;
    UNetConfig u = tiny();
    declare(&c, &u, 1, 8, false);
    size_t plain = c.table->parameters;
    case_end(&c);
    u.input_fouriers = 2;
    u.input_fourier[0] = 3;
    u.input_fourier[1] = 7;
    declare(&c, &u, 1, 8, true);
    EXPECT_INT((long long)(c.table->parameters - plain), 9 * 8 * 4 * u.in_channels);
    case_begin(&c, NET_TRAIN);
    /* A hundredth of a level of grey shows where 2^7 pi x turns fastest. */
    memset(net_value(c.net, c.x), 0, c.x_floats * sizeof(float));
    float *before = test_copy(case_forward(&c, c.weights), c.y_floats);
    net_value(c.net, c.x)[0] = 0.01f * 2 / 255;
    EXPECT(memcmp(before, case_forward(&c, c.weights), c.y_floats * sizeof(float)) != 0);
    case_end(&c);
}

TEST(the_deepest_network_that_passes_the_check_fits_the_graph)
{
    UNetConfig u = tiny();
    u.levels = UNET_MAX_LEVELS;
    u.layers_per_block = UNET_MAX_LAYERS;
    u.scale_shift = true;
    u.dropout = 0.1;
    for (int i = 0; i < u.levels; i++) {
        u.block_channels[i] = 8 + 8 * (i % 2); /* every block needs a shortcut */
        u.down_attention[i] = u.up_attention[i] = true;
    }
    NetCase c;
    declare(&c, &u, 1, 128, false);
    EXPECT(net_plan_bytes(c.net, NET_INFER, parallel_threads()) > 0);
    case_end(&c);
}
