/* The settings "sample": what a sampler reads, how many images, which levels. */
#ifndef DIFFC_SAMPLE_CONFIG_H
#define DIFFC_SAMPLE_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/limits.h"

enum { CORRECTOR_STEPS_MAX = 1000 }; /* at a level */
#define SNR_LIMIT 10.0               /* of the corrector */

/* Variance of the ancestral step: btilde_t or beta_t (Ho et al. 2020, 3.2), or of each value what the
 * network says between the two (Nichol & Dhariwal 2021, eq. 15). */
typedef enum { VARIANCE_SMALL, VARIANCE_LARGE, VARIANCE_LEARNED } VarianceKind;
extern const char *const variance_words[];

typedef enum {
    SPACING_EVEN,      /* Nichol & Dhariwal 2021: end points included, rounded half to even; one
                          step is T-1 */
    SPACING_LEADING,   /* (n-1 .. 0) * floor(T/n) */
    SPACING_TRAILING,  /* round(T, T - T/n, ...) - 1 */
    SPACING_QUADRATIC, /* round((T-1) (i/(n-1))^2), made distinct */
    SPACING_UNIFORM,   /* even in time, between the trained levels too */
    SPACING_LOGSNR,    /* even in ln(alpha / sigma) (Lu et al. 2022) */
    SPACING_KARRAS,    /* (sigma / alpha)^(1/7) even (Karras et al. 2022, eq. 5) */
    SPACING_AUTO,      /* what suits the sampler */
    SPACING_DP,        /* the smallest bound for the model's errors (step_costs.h), found by dynamic
                          programming on training images; whoever has these resolves it */
} SpacingKind;
extern const char *const spacing_words[];

/* What goes before the corrector in predictor-corrector sampling (Song et al. 2021, appendix G). */
typedef enum { PREDICTOR_REVERSE_DIFFUSION, PREDICTOR_ANCESTRAL, PREDICTOR_NONE } PredictorKind;
extern const char *const predictor_words[];

typedef struct {
    char sampler[32];      /* "auto": the method's own */
    int steps;             /* network calls; 0: the sampler's own number */
    int count;             /* images */
    double eta;            /* ddim, 0 (deterministic) .. 1 (the noise of ddpm, small) */
    VarianceKind variance; /* ddpm; learned needs a denoiser with predict_variance */
    SpacingKind spacing;
    double snr;              /* pc: signal to noise of the Langevin corrector (Song et al. 2021) */
    int corrector_steps;     /* pc: Langevin steps before each predictor step */
    PredictorKind predictor; /* pc */
    int langevin_steps;      /* langevin: steps at each level */
    double langevin_step; /* langevin, plain-langevin: step at the smallest level, of x / alpha; 0:
                                langevin_step_size (smld_levels.h) */
    double churn;         /* heun: S_churn (Karras et al. 2022, algorithm 2) */
    double tolerance;     /* ode: relative and absolute, of each image's root mean square error */
    int call_limit;       /* ode: network calls an image may take */
    bool clip;            /* clamp x0 at every step */
    uint64_t seed;        /* of image 0; image k has seed + k */
    int batch;            /* images at once; 0: chosen by the program */
} SampleConfig;

#endif
