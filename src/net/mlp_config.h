/* The options of the small denoiser of points (mlp.h). */
#ifndef DIFFC_MLP_CONFIG_H
#define DIFFC_MLP_CONFIG_H

#include "base/err.h"
#include "ops/ops.h"

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

#endif
