/* A small denoiser of points: fully connected layers, scaled and shifted by the noise level. */
#ifndef DIFFC_MLP_H
#define DIFFC_MLP_H

#include "net/mlp_config.h"
#include "net/net.h"

/* Appends the network. x [N,1,1,dims], t [N,1,1,1]; returns the output node [N,1,1,dims].
 *   e   = silu(time.linear_2 silu(time.linear_1 features(t)))
 *   h_0 = silu(modulate(layers.0.linear x,   layers.0.time e))
 *   h_l = silu(modulate(layers.l.linear h_{l-1}, layers.l.time e)) + h_{l-1}
 *   y   = output h, divided by t with fourier features
 * modulate(x, [s, b]) = x (1 + s) + b, so the first layer can learn to shrink far noise. */
int mlp_declare(Net *net, const MlpConfig *c, int x, int t);

#endif
