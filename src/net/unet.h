/* diffusers' UNet2DModel, declared in one walk on the graph. */
#ifndef DIFFC_UNET_H
#define DIFFC_UNET_H

#include "net/net.h"
#include "net/unet_config.h"

/* Appends the network. x [N,H,W,in_channels], t [N,1,1,1], label [N,1,1,1] or -1 without classes.
 * Returns the output node [N,H,W,out_channels]. Parameter names and shapes are diffusers'.
 * With noise_classes t is -1 and the output is [N,1,1,noise_classes]:
 *   norm, SiLU, 3x3 convolution, mean over the image, linear, cumulative sum
 * so that the linear layer's outputs are log-ratios of neighbouring levels. */
int unet_declare(Net *net, const UNetConfig *c, int x, int t, int label);

#endif
