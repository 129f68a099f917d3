/* The settings "sample": what a sampler reads, how many images, which levels. */
#ifndef DIFFC_SAMPLE_CONFIG_H
#define DIFFC_SAMPLE_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
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
    SPACING_LOGSNR, /* even in ln(alpha / sigma) (Lu et al. 2022); as karras from sigma / alpha = 160 at most */
    SPACING_KARRAS, /* (sigma / alpha)^(1/7) even (Karras et al. 2022, eq. 5) */
    SPACING_AUTO,   /* what suits the sampler */
    SPACING_DP,     /* the smallest bound for the model's errors (step_costs.h), found by dynamic
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
    double guidance;      /* weight of the class (guidance.h); 1: off */
    double guidance_low,
        guidance_high; /* it acts at sigma / alpha above low, up to high; high 0: no end */
    bool clip;         /* clamp x0 at every step */
    uint64_t seed;     /* of image 0; image k has seed + k */
    int batch;         /* images at once; 0: chosen by the program */
} SampleConfig;

/* What a sampler reads of these settings. */
enum {
    SAMPLE_EVERY = 0, /* what every sampler reads */
    SAMPLE_CLIP = 1 << 0,
    SAMPLE_VARIANCE = 1 << 1,
    SAMPLE_ETA = 1 << 2,
    SAMPLE_CORRECTOR = 1 << 3,
    SAMPLE_LANGEVIN = 1 << 4,
    SAMPLE_CHURN = 1 << 5,
    SAMPLE_ODE = 1 << 6,       /* the grid is only its two ends */
    SAMPLE_ONE_LEVEL = 1 << 7, /* sampler_grid repeats the cleanest level */
};

/* ERR_USAGE for settings of guidance that do not go together (guidance.c). */
bool guidance_check(const SampleConfig *c, Err *err);

/* clang-format off */
/* The settings of samplers, a line each: keys of "sample" (io/config_fields.c) and options of `diffc sample`
 * (cli/sample_plan.h) are made from them. A line: the member, the option's name, who reads it, the range
 * (reals: OPEN where 0 is the excluded end of the key's) or the words, the default, the help and names
 * that people write instead. AUTO: a real for which 0 means computed. FIRST: the key has so many of the words. */
#define SAMPLE_SETTINGS(SWITCH, REAL, AUTO, INT, CHOICE, FIRST) \
    REAL(eta, "eta", SAMPLE_ETA, 0, false, 1, "0", "ddim: fresh noise per step; 0 none, 1 as much as ddpm", "ddim_eta ddim_sampling_eta") \
    FIRST(variance, "variance", SAMPLE_VARIANCE, variance_words, VARIANCE_LARGE + 1, "small", "ddpm: variance of a step; learned where the model has learnt it", "variance_type sigma") \
    REAL(snr, "snr", SAMPLE_CORRECTOR, 1e-6, true, SNR_LIMIT, "0.16", "pc: signal to noise of the Langevin corrector", "corrector_snr target_snr") \
    INT(corrector_steps, "corrector", SAMPLE_CORRECTOR, 0, CORRECTOR_STEPS_MAX, "1", "pc: Langevin steps before each predictor step; 0 none", "correct_steps n_steps_each corrector") \
    CHOICE(predictor, "predictor", SAMPLE_CORRECTOR, predictor_words, "reverse-diffusion", "pc: the step between levels", "") \
    INT(langevin_steps, "langevin-steps", SAMPLE_LANGEVIN, 1, 10000, "5", "langevin: steps at each level", "steps_per_level") \
    AUTO(langevin_step, "langevin-step", SAMPLE_LANGEVIN, 1e6, "langevin: size of a step at the smallest level; by default computed from the levels", "step_lr step_size epsilon") \
    REAL(churn, "churn", SAMPLE_CHURN, 0, false, 1e6, "0", "heun: fresh noise (S_churn); 0 none", "s_churn") \
    REAL(tolerance, "tolerance", SAMPLE_ODE, 1e-12, true, 1, "1e-4", "ode: error allowed, relative and absolute", "rtol atol tol") \
    INT(call_limit, "call-limit", SAMPLE_ODE, 1, 1e6, "1000", "ode: network calls an image may take", "max_calls nfe_limit max_nfe") \
    REAL(guidance, "guidance", SAMPLE_EVERY, 0, false, 100, "1", "how much the class counts (classifier-free guidance): 1 as learnt, more draws what is typical of it, 0 leaves it out; needs a model trained with train.label_dropout, and doubles the work", "guidance_scale cfg cfg_scale cfg_weight") \
    REAL(guidance_low, "guidance-low", SAMPLE_EVERY, 0, false, 1e9, "0", "guidance only where sigma / alpha, noise over signal, is above this; elsewhere it is 1", "guidance_sigma_min guidance_end") \
    AUTO(guidance_high, "guidance-high", SAMPLE_EVERY, 1e9, "and at most this; by default without end", "guidance_sigma_max guidance_start") \
    SWITCH(clip, "clip", SAMPLE_CLIP, "true", "keep the predicted image within [-1, 1] at every step (not of ancestral and langevin)", "clip_sample clip_denoised")
/* clang-format on */

#endif
