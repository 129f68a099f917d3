/* The settings "method": what is learnt, and by which loss. */
#ifndef DIFFC_METHOD_CONFIG_H
#define DIFFC_METHOD_CONFIG_H

#include "diffusion/mask_config.h"
#include "diffusion/noise_config.h"

typedef enum {
    METHOD_DDPM,
    METHOD_SMLD,  /* score matching at many noise levels (Song & Ermon 2019, 2020) */
    METHOD_SDE,   /* score in continuous time (Song et al. 2021) */
    METHOD_EDDPM, /* DDPM that learns which of its steps to keep (Zhang et al. 2024) */
    METHOD_CDM,   /* a classifier of noise levels (Yadin et al. 2024) */
} MethodKind;
extern const char *const method_words[];

ProcessKind method_process_kind(MethodKind method, SdeKind sde);

/* Weight of a level in the loss: lambda = 1 / E|grad log p_0t|^2, or g^2, which makes the loss a
 * bound of the likelihood (Song et al. 2021b). */
typedef enum { WEIGHTING_SIMPLE, WEIGHTING_LIKELIHOOD } LossWeighting;
extern const char *const weighting_words[];

/* The levels of a training batch: each drawn on its own, or all from one draw, evenly over the times
 * (Kingma et al. 2021, appendix I.1). */
typedef enum { TIMES_INDEPENDENT, TIMES_EVEN } TimeDraw;
extern const char *const time_draw_words[];

/* How a score is learnt: denoising, exact trace of the Jacobian (Hyvarinen 2005), sliced (Song et
 * al. 2019). */
typedef enum { OBJECTIVE_DENOISING, OBJECTIVE_EXACT, OBJECTIVE_SLICED } ScoreObjective;
extern const char *const objective_words[];

typedef struct {
    MethodKind type;
    NoiseConfig noise;
    MaskConfig mask;          /* eddpm */
    double min_snr_gamma;     /* 0: plain L_simple */
    bool learn_variance;      /* ddpm: LEARNED_RANGE with the hybrid loss */
    double vlb_weight;        /* of the bound in the hybrid loss */
    LossWeighting weighting;  /* sde */
    ScoreObjective objective; /* smld, ve */
    int slices;               /* projections of the sliced objective */
    TimeDraw times;
    double ce_weight, mse_weight; /* cdm: of cross-entropy and squared error */
    bool dequantise;              /* cdm: uniform noise of a grey level on clean images */
} MethodConfig;

#endif
