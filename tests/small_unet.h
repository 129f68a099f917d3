/* The small U-Net of tests. */
#ifndef DIFFC_TESTS_SMALL_UNET_H
#define DIFFC_TESTS_SMALL_UNET_H

#include "net/networks.h"

/* Two levels of `width` and twice as many channels, one block a level, attention at the second. */
static inline UNetConfig two_level_unet(int width, int side, int image_channels)
{
    UNetConfig u;
    unet_config_defaults(&u);
    u.sample_height = u.sample_width = side;
    u.in_channels = u.out_channels = image_channels;
    u.levels = 2;
    u.block_channels[0] = width;
    u.block_channels[1] = 2 * width;
    u.layers_per_block = 1;
    u.down_attention[1] = u.up_attention[0] = true;
    u.groups = 4;
    return u;
}

#endif
