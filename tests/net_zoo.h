/* A small network that holds every operation. */
#ifndef DIFFC_TESTS_NET_ZOO_H
#define DIFFC_TESTS_NET_ZOO_H

#include "net_case.h"

static inline int conv(Net *net, int x, int channels, int kernel, int stride, int first, int last,
                       const char *name)
{
    ConvOptions o = {.kernel = kernel, .stride = stride, .pad_first = first, .pad_last = last};
    return net_conv2d(net, x, channels, &o, name);
}

/* Every kind of node. With x_wants only, the embedding has no tangent; with t_wants it has. */
static inline void declare_zoo(NetCase *c, int batch, bool x_wants, bool t_wants)
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

#endif
