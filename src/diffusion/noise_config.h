/* The numbers of a noise process, as the configuration's "method", the model folder and process_make
 * have them, and what a network was trained to predict. */
#ifndef DIFFC_NOISE_CONFIG_H
#define DIFFC_NOISE_CONFIG_H

#include <stdbool.h>

#include "base/limits.h"

#define SIGMA_LIMIT    1e6 /* standard deviation of noise */
#define SDE_BETA_LIMIT 1e3 /* beta of VP and sub-VP at a time */
#define TIME_MIN_LIMIT 0.1 /* smallest time of an SDE */

typedef enum { PROCESS_DDPM, PROCESS_SMLD, PROCESS_VE, PROCESS_VP, PROCESS_SUBVP } ProcessKind;

/* Variance exploding, variance preserving, sub-VP (Song et al. 2021, 3.4). */
typedef enum { SDE_VE, SDE_VP, SDE_SUBVP, SDE_COUNT } SdeKind;
extern const char *const sde_words[];

typedef enum {
    SCHEDULE_LINEAR,        /* linspace(beta_start, beta_end, T) (Ho et al. 2020) */
    SCHEDULE_SCALED_LINEAR, /* linspace(sqrt beta_start, sqrt beta_end, T)^2 */
    SCHEDULE_COSINE,        /* Nichol & Dhariwal 2021, beta capped at 0.999 */
    SCHEDULE_BETAS,         /* given by the user */
    SCHEDULE_LOGSNR,        /* ln SNR falls evenly (Kingma et al. 2021); kept as betas */
    SCHEDULE_UNIF,          /* sigma_t = (t+1) / (T+1) (Yadin et al. 2024) */
} ScheduleKind;
extern const char *const schedule_words[];

/* What a network was trained to give (Salimans & Ho 2022 for v). AUTO: what suits the method
 * (config_resolve). */
typedef enum { PREDICT_AUTO = -1, PREDICT_EPS, PREDICT_X0, PREDICT_V, PREDICT_SCORE } Prediction;
extern const char *const prediction_words[];

typedef struct {
    ProcessKind kind;      /* no key: it follows from method.type and method.sde */
    int T;                 /* DDPM: steps. SDEs: num_train_timesteps of the folder, unused here */
    ScheduleKind schedule; /* DDPM, with its betas as in schedule_make */
    double beta_start, beta_end;
    double *betas; /* [T] for schedule betas, else NULL */
    int beta_count;
    double logsnr_start, logsnr_end; /* of schedule logsnr, for the configuration alone */
    Prediction prediction;
    SdeKind sde;
    double sigma_min; /* SMLD, VE: the smallest noise */
    double sigma_max; /* SMLD, VE: the largest; configuration: 0 is estimated from the data */
    int levels;       /* SMLD: L; configuration: 0 is chosen by the rule of the ratio */
    double beta_min, beta_max; /* VP, sub-VP */
    double time_min;           /* SDEs: smallest time of training, in (0, 1) */
} NoiseConfig;

/* In steps or levels that have numbers, rather than in continuous time. */
static inline bool noise_is_discrete(ProcessKind kind)
{
    return kind == PROCESS_DDPM || kind == PROCESS_SMLD;
}

/* ln alpha of VP and sub-VP at a time in 0 .. 1 (Song et al. 2021, eq. 33). */
static inline double vp_log_alpha(double beta_min, double beta_max, double time)
{
    return -0.25 * time * time * (beta_max - beta_min) - 0.5 * time * beta_min;
}

#endif
