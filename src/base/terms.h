/* The field's words for the choices that several rooms share: configuration files, schedules,
 * samplers and model folders name them alike. */
#ifndef DIFFC_TERMS_H
#define DIFFC_TERMS_H

enum { IMAGE_MAX_SIDE = 8192 }; /* of configurations, data, model folders and options alike */

typedef enum {
    METHOD_DDPM,
    METHOD_SMLD,  /* score matching at many noise levels (Song & Ermon 2019, 2020) */
    METHOD_SDE,   /* score in continuous time (Song et al. 2021) */
    METHOD_EDDPM, /* DDPM that learns which of its steps to keep (Zhang et al. 2024) */
    METHOD_CDM,   /* a classifier of noise levels (Yadin et al. 2024) */
} MethodKind;

/* How the noise of the steps that a mask keeps is formed (mask.h). */
typedef enum { ALPHAS_MERGED, ALPHAS_LITERAL, ALPHAS_RESCALED } MaskAlphas;

/* What a mask is judged by: the variational bound of its chain, or the loss of the batch. */
typedef enum { REWARD_BOUND, REWARD_LOSS } MaskReward;

/* What a mask's reward is compared with: the mean of the batch's other masks, a running mean, 0. */
typedef enum { BASELINE_OTHERS, BASELINE_RUNNING, BASELINE_NONE } MaskBaseline;

/* How K steps come from the scores: the best of many draws, moved one by one while its bound falls; one
 * draw; the K largest; or not from the scores but as the optimum for the measured errors. */
typedef enum { EXTRACT_MOVES, EXTRACT_DRAW, EXTRACT_TOP, EXTRACT_OPTIMUM } MaskExtract;

/* Variance exploding, variance preserving, sub-VP (Song et al. 2021, 3.4). */
typedef enum { SDE_VE, SDE_VP, SDE_SUBVP } SdeKind;

/* ln alpha of VP and sub-VP at a time in 0 .. 1 (Song et al. 2021, eq. 33). */
static inline double vp_log_alpha(double beta_min, double beta_max, double time)
{
    return -0.25 * time * time * (beta_max - beta_min) - 0.5 * time * beta_min;
}

/* Weight of a level in the loss: lambda = 1 / E|grad log p_0t|^2, or g^2, which makes the loss a
 * bound of the likelihood (Song et al. 2021b). */
typedef enum { WEIGHTING_SIMPLE, WEIGHTING_LIKELIHOOD } LossWeighting;

/* The levels of a training batch: each drawn on its own, or all from one draw, evenly over the times
 * (Kingma et al. 2021, appendix I.1). */
typedef enum { TIMES_INDEPENDENT, TIMES_EVEN } TimeDraw;

/* How a score is learnt: denoising, exact trace of the Jacobian (Hyvarinen 2005), sliced (Song et
 * al. 2019). */
typedef enum { OBJECTIVE_DENOISING, OBJECTIVE_EXACT, OBJECTIVE_SLICED } ScoreObjective;

typedef enum {
    SCHEDULE_LINEAR,        /* linspace(beta_start, beta_end, T) (Ho et al. 2020) */
    SCHEDULE_SCALED_LINEAR, /* linspace(sqrt beta_start, sqrt beta_end, T)^2 */
    SCHEDULE_COSINE,        /* Nichol & Dhariwal 2021, beta capped at 0.999 */
    SCHEDULE_BETAS,         /* given by the user */
    SCHEDULE_LOGSNR,        /* ln SNR falls evenly (Kingma et al. 2021); kept as betas */
    SCHEDULE_UNIF,          /* sigma_t = (t+1) / (T+1) (Yadin et al. 2024) */
} ScheduleKind;

/* What a network was trained to give (Salimans & Ho 2022 for v). */
typedef enum { PREDICT_EPS, PREDICT_X0, PREDICT_V, PREDICT_SCORE } Prediction;

/* Variance of the ancestral step: btilde_t or beta_t (Ho et al. 2020, 3.2), or of each value what the
 * network says between the two (Nichol & Dhariwal 2021, eq. 15). */
typedef enum { VARIANCE_SMALL, VARIANCE_LARGE, VARIANCE_LEARNED } VarianceKind;

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

/* What goes before the corrector in predictor-corrector sampling (Song et al. 2021, appendix G). */
typedef enum { PREDICTOR_REVERSE_DIFFUSION, PREDICTOR_ANCESTRAL, PREDICTOR_NONE } PredictorKind;

typedef enum { DATA_AUTO, DATA_IDX, DATA_CIFAR10, DATA_FOLDER } DataKind;

/* Limits of configurations, options and model folders alike: noise levels of a chain, and so betas in a
 * list; corrector steps at a level. */
enum { STEPS_MAX = 100000, CORRECTOR_STEPS_MAX = 1000 };
#define SIGMA_LIMIT      1e6  /* standard deviation of noise */
#define SDE_BETA_LIMIT   1e3  /* beta of VP and sub-VP at a time */
#define TIME_MIN_LIMIT   0.1  /* smallest time of an SDE */
#define SNR_LIMIT        10.0 /* of the corrector */
#define FREQ_SHIFT_LIMIT 8192.0
#define DROPOUT_LIMIT    1.0 /* excluded */

/* The name of a class of images: of a folder, or one that a format defines. */
typedef char ClassName[256];

/* Classes of a data set, whose labels are bytes. */
enum { DATA_MAX_CLASSES = 256 };

/* Distributions in the plane, made by formula. */
typedef enum { TOY_NONE, TOY_TWO_MODES, TOY_RING, TOY_SWISS_ROLL, TOY_CHECKERBOARD } ToyKind;

/* AUTO: what suits the data (config_network). */
typedef enum { NETWORK_UNET, NETWORK_MLP, NETWORK_AUTO } NetworkKind;
typedef enum { RATE_CONSTANT, RATE_COSINE } RateKind;

typedef enum { OPTIMIZER_ADAM, OPTIMIZER_ADAMW } OptimizerKind;

#endif
