/* The configuration: one table of fields (config.c) makes the JSON reader, --set, the help, the
 * resolved file and the error messages. After reading, no code sees JSON. */
#ifndef DIFFC_CONFIG_H
#define DIFFC_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "diffc/err.h"
#include "diffc/terms.h"

enum { CONFIG_PATH_BYTES = 1024, CONFIG_MAX_LEVELS = 8, CONFIG_MAX_BETAS = 10000 };

typedef struct {
    struct {
        char path[CONFIG_PATH_BYTES]; /* required for training */
        DataKind kind;                /* auto | idx | cifar10 | folder */
        int height, width;            /* 0: native. JSON key "size": N or [H, W] */
        int channels;                 /* 0: as stored, 1, 3 */
        bool flip;
        int limit;      /* 0: all images */
        int validation; /* images held out */
        bool skip_bad;  /* folders: leave out images that do not decode */
    } data;
    struct {
        int channels;                       /* of the first level */
        int multipliers[CONFIG_MAX_LEVELS]; /* one per level */
        int levels;                         /* length of multipliers */
        int blocks;                         /* residual blocks per level */
        int attention[CONFIG_MAX_LEVELS];   /* image heights that get attention */
        int attentions;                     /* length of attention */
        bool mid_attention;
        int head_dim; /* 0: one head */
        int groups;   /* 0: min(32, channels of the first level / 4) */
        double eps;
        double dropout;
        bool fourier; /* "time": positional | fourier */
        bool flip_sin_to_cos;
        double freq_shift;
        int downsample_padding; /* 0 | 1 */
        bool scale_shift;
        bool class_conditional;
        bool zero_init;
    } model;
    struct {
        MethodKind type;       /* ddpm */
        int steps;             /* T */
        ScheduleKind schedule; /* linear | scaled_linear | cosine | betas */
        double beta_start, beta_end;
        double *betas; /* [steps] for schedule betas, else NULL */
        int beta_count;
        Prediction prediction; /* eps | x0 | v */
        double min_snr_gamma;  /* 0: plain L_simple */
    } method;
    struct {
        int64_t steps;  /* 0: no limit by steps */
        double minutes; /* 0: no limit by time; whichever comes first */
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
        char sampler[32];
        int steps; /* 0: all T for ddpm, 50 for ddim */
        int count; /* images in a grid */
        double eta;
        VarianceKind variance;
        SpacingKind spacing;
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

/* The resolved configuration as indented JSON that config_load reads back to the same struct. NULL
 * when memory is short; free with mem_free. */
char *config_to_json(const Config *c);

/* Line `field` of the help: key, what it is for, default and range. Returns false at the end of
 * the table. */
bool config_describe(size_t field, char *out, size_t size);

#endif
