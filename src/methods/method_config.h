/* The settings "method": what is learnt, and by which loss. */
#ifndef DIFFC_METHOD_CONFIG_H
#define DIFFC_METHOD_CONFIG_H

#include "diffusion/mask_config.h"
#include "diffusion/noise_config.h"
#include "diffusion/sample_config.h"
#include "net/network_config.h"

/* clang-format off */
/* The methods, a line each: place, word and row (method_WORD in methods/WORD.c). */
#define METHODS(M) \
    M(DDPM, ddpm)   /* denoising diffusion (Ho et al. 2020) */ \
    M(EDDPM, eddpm) /* DDPM that learns which of its steps to keep (Zhang et al. 2024) */ \
    M(CDM, cdm)     /* a classifier of noise levels (Yadin et al. 2024) */ \
    M(SMLD, smld)   /* score matching at many noise levels (Song & Ermon 2019, 2020) */ \
    M(SDE, sde)     /* score in continuous time (Song et al. 2021) */
/* clang-format on */

#define METHOD_PLACE(place, word) METHOD_##place,
typedef enum { METHODS(METHOD_PLACE) METHOD_COUNT } MethodKind;
extern const char *const method_words[];

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

/* Groups of keys of the configuration. The table of keys (io/config_fields.c) says to which group a key
 * belongs, a method which groups it reads. */
enum {
    KEYS_STEPS = 1 << 0,      /* a chain of steps and its schedule */
    KEYS_PREDICTION = 1 << 1, /* of a network that is given its step */
    KEYS_VARIANCE = 1 << 2,   /* learned variances */
    KEYS_SDE = 1 << 3,        /* continuous time */
    KEYS_SIGMAS = 1 << 4,     /* exploding noise, and how its score is learnt */
    KEYS_LEVELS = 1 << 5,
    KEYS_BETAS = 1 << 6,   /* preserving noise in continuous time */
    KEYS_TIMES = 1 << 7,   /* how the levels of a batch are drawn */
    KEYS_MASKS = 1 << 8,   /* which steps to keep */
    KEYS_CLASSES = 1 << 9, /* classification of noise levels */
    KEYS_MIN_SNR = 1 << 10 /* the Min-SNR weight of a level */
};

/* What a method may check of a configuration that is otherwise right. */
typedef struct {
    const MethodConfig *method;
    const NetworkConfig *model; /* as given: "auto" stands */
    const SampleConfig *sample;
    bool points; /* of a toy, rather than images */
    int images;  /* of an update */
} MethodCheck;

/* What the configuration has to know of a method, or of an sde of a method that has several. */
typedef struct {
    ProcessKind process;
    const char *sampler;     /* what sample.sampler "auto" means */
    unsigned reads;          /* KEYS_... */
    Prediction prediction;   /* what "auto" means, and what is without KEYS_PREDICTION */
    TimeChoice time;         /* what model.time "auto" means */
    TimeFeatureKind fourier; /* what "fourier" means */
    /* Rules between the keys beyond those of the table; NULL: none. ERR_USAGE. */
    bool (*check)(const MethodCheck *c, Err *err);
} MethodSettings;

const MethodSettings *method_settings(MethodKind method, SdeKind sde);

/* "ddpm", "sde vp". */
void method_name(MethodKind method, SdeKind sde, char *out, size_t size);
/* The methods that read some of these groups of keys: "smld, sde ve"; "sde" where all its sdes do. */
void method_readers(unsigned keys, char *out, size_t size);

#endif
