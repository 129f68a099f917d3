/* Small U-Nets, declared. */
#ifndef DIFFC_TESTS_UNET_CASE_H
#define DIFFC_TESTS_UNET_CASE_H

#include "net/networks.h"
#include "net_case.h"
#include "small_unet.h"

static inline void declare(NetCase *c, const UNetConfig *u, int batch, int size, bool x_wants)
{
    Net *net = case_new(c, batch, NULL);
    c->x = net_input(net, size, size, u->in_channels, x_wants);
    c->t = u->noise_classes ? -1 : net_input(net, 1, 1, 1, false);
    c->label = u->classes ? net_input(net, 1, 1, 1, false) : -1;
    Err err = {0};
    EXPECT_OK(unet_config_check(u, size, size, &err), err);
    c->y = unet_declare(net, u, c->x, c->t, c->label);
    net_set_output(net, c->y);
}

static inline UNetConfig tiny(void)
{
    return two_level_unet(8, 0, 3);
}

static inline UNetConfig classifier(void)
{
    UNetConfig u = tiny();
    u.noise_classes = 9;
    return u;
}

#endif
