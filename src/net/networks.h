/* The networks, each declared in one walk on the graph. */
#ifndef DIFFC_NETWORKS_H
#define DIFFC_NETWORKS_H

#include "net/net.h"
#include "net/network_config.h"

/* Appends diffusers' UNet2DModel. x [N,H,W,in_channels], t [N,1,1,1], label [N,1,1,1] or -1 without classes.
 * Returns the output node [N,H,W,out_channels]. Parameter names and shapes are diffusers'.
 * With noise_classes t is -1 and the output is [N,1,1,noise_classes]:
 *   norm, SiLU, 3x3 convolution, mean over the image, linear, cumulative sum
 * so that the linear layer's outputs are log-ratios of neighbouring levels. */
int unet_declare(Net *net, const UNetConfig *c, int x, int t, int label);

/* Appends a small denoiser of points: fully connected layers, scaled and shifted by the noise level.
 * x [N,1,1,dims], t [N,1,1,1]; returns the output node [N,1,1,dims].
 *   e   = silu(time.linear_2 silu(time.linear_1 features(t)))
 *   h_0 = silu(modulate(layers.0.linear x,   layers.0.time e))
 *   h_l = silu(modulate(layers.l.linear h_{l-1}, layers.l.time e)) + h_{l-1}
 *   y   = output h, divided by t with fourier features
 * modulate(x, [s, b]) = x (1 + s) + b, so the first layer can learn to shrink far noise. */
int mlp_declare(Net *net, const MlpConfig *c, int x, int t);

/* Appends Inception v3 of the Frechet distance with ReLU after every convolution: x [N,299,299,3] in [-1,1],
 * returns the mean over the image of its last block [N,1,1,2048]. Names are those of torchvision's convolutions with
 * their batch norms, NAME.weight and NAME.bias for NAME.conv and NAME.bn, which the caller multiplies into them. */
enum { INCEPTION_SIDE = 299, INCEPTION_FEATURES = 2048 };
int inception_declare(Net *net, int x);

#endif
