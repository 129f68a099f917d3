#include "net/networks.h"

#include <stdio.h>

int mlp_declare(Net *net, const MlpConfig *c, int x, int t)
{
    CHECK(net_shape(net, x).C == c->dims);
    int e = net_time_features(net, t, c->width + c->width % 2, c->time_kind, false, 0,
                              (float)c->fourier_scale, "time.features");
    e = net_silu(net, net_linear(net, e, c->width, false, "time.linear_1"));
    e = net_silu(net, net_linear(net, e, c->width, false, "time.linear_2"));
    int h = x;
    for (int l = 0; l < c->layers; l++) {
        char name[64];
        snprintf(name, sizeof name, "layers.%d.time", l);
        int scale_shift = net_linear(net, e, 2 * c->width, false, name);
        snprintf(name, sizeof name, "layers.%d.linear", l);
        int u = net_modulate(net, net_linear(net, h, c->width, false, name), scale_shift);
        h = l == 0 ? net_silu(net, u) : net_add(net, net_silu(net, u), h);
    }
    int y = net_linear(net, h, c->dims, c->zero_init, "output");
    return c->time_kind == TIME_FOURIER ? net_divide(net, y, t) : y;
}
