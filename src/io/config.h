/* The configuration: one table of fields (config.c) makes the JSON reader, --set, the help, the
 * resolved file and the error messages. After reading, no code sees JSON. */
#ifndef DIFFC_CONFIG_H
#define DIFFC_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/terms.h"
#include "net/unet.h"

enum { CONFIG_PATH_BYTES = 1024, CONFIG_MAX_KEYS = 256 };

/* "model.time". AUTO: what suits the method (config_time). */
typedef enum { TIME_CHOICE_AUTO, TIME_CHOICE_POSITIONAL, TIME_CHOICE_FOURIER } TimeChoice;

typedef struct {
    struct {
        char path[CONFIG_PATH_BYTES]; /* required for training */
        DataKind kind;                /* auto | idx | cifar10 | folder */
        ToyKind toy;                  /* not none: points made by formula; path is then empty */
        int height, width;            /* 0: native. JSON key "size": N or [H, W] */
        int channels;                 /* 0: as stored, 1, 3 */
        bool flip;
        int limit;      /* 0: all images */
        int validation; /* images held out; negative: auto (DATA_VALIDATION_AUTO) */
        bool skip_bad;  /* folders: leave out images that do not decode */
    } data;
    struct {
        NetworkKind type;                 /* auto | unet | mlp; config_network resolves auto */
        int width, layers;                /* mlp: units of a hidden layer, hidden layers */
        int channels;                     /* of the first level */
        int multipliers[UNET_MAX_LEVELS]; /* one per level */
        int levels;                       /* length of multipliers */
        int blocks;                       /* residual blocks per level */
        int attention[UNET_MAX_LEVELS];   /* image heights that get attention */
        int attentions;                   /* length of attention */
        bool mid_attention;
        int head_dim; /* 0: one head */
        int groups;   /* 0: min(32, channels of the first level / 4) */
        double eps;
        double dropout;
        TimeChoice time;      /* auto | positional | fourier; config_time resolves auto */
        double fourier_scale; /* s of the fixed frequencies omega ~ N(0, s^2); 0: auto */
        bool flip_sin_to_cos;
        double freq_shift;
        int downsample_padding; /* 0 | 1 */
        bool scale_shift;
        int input_fourier[INPUT_FOURIER_MAX]; /* exponents n of sin, cos of 2^n pi x */
        int input_fouriers;                   /* length of input_fourier */
        bool class_conditional;
        bool zero_init;
        int classifier_channels; /* cdm: of the head; 0: twice the first level's */
    } model;
    struct {
        MethodKind type;       /* ddpm | smld | sde | eddpm | cdm */
        int steps;             /* ddpm, eddpm, cdm: T */
        ScheduleKind schedule; /* linear | scaled_linear | cosine | betas | logsnr | unif (cdm) */
        double beta_start, beta_end;
        double *betas; /* [steps] for schedule betas, else NULL */
        int beta_count;
        double logsnr_start, logsnr_end;
        Prediction prediction;     /* eps | x0 | v */
        double min_snr_gamma;      /* 0: plain L_simple */
        bool learn_variance;       /* ddpm: LEARNED_RANGE with the hybrid loss */
        double vlb_weight;         /* of the bound in the hybrid loss */
        SdeKind sde;               /* ve | vp | subvp */
        double sigma_min;          /* smld, ve: the smallest noise */
        double sigma_max;          /* smld, ve: the largest; 0: auto, estimated from the data */
        int levels;                /* smld: L; 0: auto, by the rule of the ratio */
        double beta_min, beta_max; /* vp, subvp */
        double time_min;           /* sde: t ~ U(time_min, 1) */
        LossWeighting weighting;   /* sde: simple | likelihood */
        ScoreObjective objective;  /* smld, ve: denoising | exact | sliced */
        int slices;                /* projections of the sliced objective */
        TimeDraw times;            /* independent | even */
        int keep;                  /* eddpm: K (mask_learner.h) */
        MaskAlphas alphas;         /* merged | literal | rescaled */
        MaskReward reward;         /* bound | loss */
        MaskBaseline baseline;     /* others | running | none */
        MaskExtract extract;       /* moves | draw | top | optimum */
        int masks;                 /* an update */
        double score_rate;
        bool precondition;
        double full, ramp, settle;    /* shares of the run */
        double ce_weight, mse_weight; /* cdm: of cross-entropy and squared error */
        bool dequantise;              /* cdm: uniform noise of a grey level on clean images */
    } method;
    struct {
        char init
            [CONFIG_PATH_BYTES]; /* run or model folder whose weights a run starts from, or "" */
        int64_t steps;           /* 0: no limit by steps */
        double minutes;          /* 0: no limit by time; whichever comes first */
        int batch;
        int micro_batch; /* images per pass; 0: chosen by the program */
        int accumulate;  /* gradients of this many batches are averaged before an update */
        OptimizerKind optimizer;
        double lr, beta1, beta2, eps, weight_decay;
        int64_t warmup;    /* updates of linear warm-up */
        RateKind schedule; /* constant | cosine */
        double clip;       /* global gradient norm; 0: off */
        double ema;        /* decay after warm-up (1+n)/(10+n) */
        uint64_t seed;
        int64_t log_every;        /* updates */
        int64_t checkpoint_every; /* updates; 0: only at the end */
        int keep;                 /* checkpoints kept */
        int validate;             /* held-out images scored at each checkpoint, 0: none */
    } train;
    struct {
        char sampler[32]; /* "auto": the method's own */
        int steps;        /* 0: the sampler's own number */
        int count;        /* images in a grid */
        double eta;
        VarianceKind variance;
        SpacingKind spacing;
        double snr;              /* Langevin corrector of pc */
        int corrector_steps;     /* of pc, a step; 0: none */
        PredictorKind predictor; /* of pc */
        int langevin_steps;      /* langevin: a level */
        double langevin_step;    /* langevin: at the smallest level; 0: auto, Song & Ermon 2020,
                                    technique 4 */
        double churn;            /* heun: S_churn */
        double tolerance;        /* ode: relative and absolute */
        int call_limit;          /* ode: network calls an image */
        bool clip;
        uint64_t seed;
        int batch; /* 0: chosen by the program */
    } sample;
} Config;

void config_defaults(Config *c);
void config_free(Config *c); /* betas */

/* Reads a file over the defaults. Unknown and duplicate keys, wrong types and values out of range
 * are ERR_USAGE with the file, the dotted key, the value, what would be right and the nearest known
 * key. A file that cannot be read is ERR_IO. */
bool config_load(Config *c, const char *path, Err *err);
/* The same from memory; `name` stands for the file in messages. After a failure fields that were
 * read before it are changed; config_free is still right. */
bool config_parse(Config *c, const char *text, size_t size, const char *name, Err *err);

/* Applies "section.key=value" (value as JSON; a bare word counts as a string, and for a path or a
 * seed anything does). ERR_USAGE; the configuration is then unchanged. */
bool config_set(Config *c, const char *assignment, Err *err);

/* Rules between fields (betas given when schedule is betas, ...). ERR_USAGE. */
bool config_check(const Config *c, Err *err);

/* Choices left to the program, resolved: an mlp for toys and a unet for images; positional features
 * for ddpm, vp and subvp (as DDPM++ of Song et al. 2021), fourier ones for smld and ve; never AUTO.
 * Positional features are the default of vp and subvp because diffusers has no Fourier features of the
 * time itself; the Gaussian Fourier features of Song et al. 2021 learn these processes about as well
 * (held-out loss above t = 0.9 after 300 updates of configs/fashion-sde-vp.json at data.size 14 and
 * model.multipliers [1,2], mean of three seeds: positional 0.0032, fourier 0.0031). */
NetworkKind config_network(const Config *c);
TimeChoice config_time(const Config *c);
/* 16 for a unet (Song et al. 2021). An mlp gets 0.25: levels that differ by a few percent then look
 * alike to it, and the few points it sees of each teach it the others. */
double config_fourier_scale(const Config *c);

/* Groups of the normalisation: min(32, channels of the first level / 4), rounded down to a divisor. */
int config_groups(const Config *c);

/* Puts these choices in the place of each "auto" (or 0) that the configuration alone decides. What
 * only the data decide (sigma_max, levels, size, ...) stays. */
void config_resolve(Config *c);

/* The word of a choice, as the file has it: config_word("method", "schedule", SCHEDULE_COSINE). */
const char *config_word(const char *section, const char *key, int value);

/* A key in which two configurations differ. */
typedef struct {
    int row;       /* of the table of keys, below CONFIG_MAX_KEYS */
    char name[80]; /* "method.steps"; "method.betas[17]" for the first place where lists differ */
    bool identity; /* it says what a run is, so resuming cannot change it */
    char before[200], after[200]; /* both values as JSON, cut where they are long */
} ConfigDifference;

/* Calls `use` for every key whose values in `before` and `after` differ, in the order of the table.
 * Compare resolved configurations, or "auto" differs from what it stands for. ERR_MEMORY. */
typedef void (*ConfigDifferenceUse)(void *context, const ConfigDifference *difference);
bool config_diff(const Config *before, const Config *after, ConfigDifferenceUse use, void *context,
                 Err *err);

/* The resolved configuration as indented JSON that config_load reads back to the same struct. NULL
 * when memory is short; free with mem_free. */
char *config_to_json(const Config *c);

/* Line `field` of the help: key, what it is for, default and range. Returns false at the end of
 * the table. */
bool config_describe(size_t field, char *out, size_t size);

#endif
