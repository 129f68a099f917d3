/* The field's words for the choices that several rooms share: configuration files, schedules,
 * samplers and model folders name them alike. */
#ifndef DIFFC_TERMS_H
#define DIFFC_TERMS_H

typedef enum { METHOD_DDPM } MethodKind;

typedef enum {
    SCHEDULE_LINEAR,        /* linspace(beta_start, beta_end, T) (Ho et al. 2020) */
    SCHEDULE_SCALED_LINEAR, /* linspace(sqrt beta_start, sqrt beta_end, T)^2 */
    SCHEDULE_COSINE,        /* Nichol & Dhariwal 2021, beta capped at 0.999 */
    SCHEDULE_BETAS,         /* given by the user */
} ScheduleKind;

/* What a network was trained to give (Salimans & Ho 2022 for v). */
typedef enum { PREDICT_EPS, PREDICT_X0, PREDICT_V } Prediction;

/* Variance of the ancestral step: btilde_t or beta_t (Ho et al. 2020, 3.2). */
typedef enum { VARIANCE_SMALL, VARIANCE_LARGE } VarianceKind;

typedef enum {
    SPACING_EVEN,      /* Nichol & Dhariwal 2021: end points included, rounded half to even; one
                          step is T-1 */
    SPACING_LEADING,   /* (n-1 .. 0) * floor(T/n) */
    SPACING_TRAILING,  /* round(T, T - T/n, ...) - 1 */
    SPACING_QUADRATIC, /* round((T-1) (i/(n-1))^2), made distinct */
} SpacingKind;

typedef enum { DATA_AUTO, DATA_IDX, DATA_CIFAR10, DATA_FOLDER } DataKind;

typedef enum { RATE_CONSTANT, RATE_COSINE } RateKind;

typedef enum { OPTIMIZER_ADAM, OPTIMIZER_ADAMW } OptimizerKind;

#endif
