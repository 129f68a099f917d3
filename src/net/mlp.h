/* A small denoiser of points: fully connected layers, scaled and shifted by the noise level. */
#ifndef DIFFC_MLP_H
#define DIFFC_MLP_H

#include <stdbool.h>

#include "base/err.h"
#include "net/net.h"

enum { MLP_MAX_DIMS = 1024, MLP_MAX_WIDTH = 4096, MLP_MAX_LAYERS = 64 };

typedef struct {
    int dims;                  /* values of a point */
    int width;                 /* units of a hidden layer, and time features (rounded up to even) */
    int layers;                /* hidden layers */
    TimeFeatureKind time_kind; /* with fourier, t is sigma and the network gives the score */
    double fourier_scale;      /* standard deviation of the fourier frequencies */
    bool zero_init;            /* the last layer starts at zero */
} MlpConfig;

/* Width 128, 3 layers, positional, scale 0.25, zero_init; dims is zero. The U-Net's scale of 16 would
 * tell levels apart that differ by a percent, which leaves a continuous range of levels unlearnt. */
void mlp_config_defaults(MlpConfig *c);

/* Ranges. ERR_USAGE. */
bool mlp_config_check(const MlpConfig *c, Err *err);

/* Appends the network. x [N,1,1,dims], t [N,1,1,1]; returns the output node [N,1,1,dims].
 *   e   = silu(time.linear_2 silu(time.linear_1 features(t)))
 *   h_0 = silu(modulate(layers.0.linear x,   layers.0.time e))
 *   h_l = silu(modulate(layers.l.linear h_{l-1}, layers.l.time e)) + h_{l-1}
 *   y   = output h, divided by t with fourier features
 * modulate(x, [s, b]) = x (1 + s) + b, so the first layer can learn to shrink far noise. */
int mlp_declare(Net *net, const MlpConfig *c, int x, int t);

#endif
