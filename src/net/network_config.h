/* The settings "model": which network, its options as the configuration gives them, and the options of each
 * network, which a model folder holds too. */
#ifndef DIFFC_NETWORK_CONFIG_H
#define DIFFC_NETWORK_CONFIG_H

#include "base/err.h"
#include "base/limits.h"
#include "ops/ops.h"

/* ---- The options of diffusers' UNet2DModel (unet.c) ---- */

#define FREQ_SHIFT_LIMIT 8192.0
#define DROPOUT_LIMIT    1.0 /* excluded */

/* Limits of configurations, model folders and networks alike. With so many layers, eight levels stay
 * below the graph's limit of nodes. */
enum {
    UNET_MAX_LEVELS = 8,
    UNET_MAX_LAYERS = 12,
    UNET_MAX_CHANNELS = 16384, /* of a level, a head, a classifier; groups */
    UNET_MAX_CLASSES = 1 << 20,
    UNET_MAX_EXPONENT = 12
};

typedef struct {
    int sample_height, sample_width; /* 0: unknown */
    int in_channels, out_channels;
    int levels;
    int block_channels[UNET_MAX_LEVELS];  /* channels of each level, finest first */
    bool down_attention[UNET_MAX_LEVELS]; /* AttnDownBlock2D at this level (finest first) */
    bool up_attention[UNET_MAX_LEVELS];   /* AttnUpBlock2D, in running order (deepest first) */
    int layers_per_block;
    bool mid_block;     /* false: mid_block_type null */
    bool mid_attention; /* add_attention */
    int head_dim;       /* attention_head_dim; 0: one head over all channels */
    int groups;         /* norm_num_groups; 0 = null: see unet_groups */
    int attn_groups;    /* attn_norm_num_groups, middle attention only; 0 = null */
    double eps;         /* norm_eps */
    double dropout;
    double mid_scale;  /* mid_block_scale_factor */
    bool center_input; /* center_input_sample */
    /* Exponents n of sin, cos of 2^n pi x beside the input; a key of our own in the file. None: the
     * plain input of diffusers. */
    int input_fourier[INPUT_FOURIER_MAX];
    int input_fouriers;
    int downsample_padding; /* 1, or 0: one zero right and bottom only */
    TimeFeatureKind time_kind;
    double
        fourier_scale; /* of the frequencies drawn at initialisation; not part of the file format */
    int time_dim;      /* width of the embedding; 0: 4 * block_channels[0] */
    bool flip_sin_to_cos;
    double freq_shift;
    bool scale_shift; /* resnet_time_scale_shift == "scale_shift" */
    int classes;      /* of images; 0: none */
    bool null_class;  /* the class embedding has one row more, for an image of no class */
    /* A classifier of noise levels (Yadin et al. 2024; noise_classes.h): no time layers, and in the place of
     * conv_out a head that gives one logit for each of so many levels; 0: an ordinary U-Net. */
    int noise_classes;
    int classifier_channels; /* of the head's convolution; 0: twice block_channels[0] */
    bool zero_init;          /* zero the last conv of each resnet, attention outputs and conv_out at
                            initialisation (DDPM); not part of the file format */
} UNetConfig;

/* diffusers' defaults for absent keys (interop specification 1.1); sizes and channels are zero. */
void unet_config_defaults(UNetConfig *c);

/* Checks the configuration for images of H x W: ranges, groups that divide channels, heads, and
 * that both sides can be halved levels-1 times; the message says which sizes or values work.
 * ERR_USAGE. */
bool unet_config_check(const UNetConfig *c, int H, int W, Err *err);

/* Groups of a norm over C channels. Null means min(C/4, 32), which diffusers itself only does in
 * the middle block and the head. */
int unet_groups(const UNetConfig *c, int C);

/* Groups of the middle attention's norm; 0: it has none. */
int unet_mid_attention_groups(const UNetConfig *c, int C);

/* ---- The options of the small denoiser of points (mlp.c) ---- */

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

/* ---- The settings ---- */

/* AUTO: what suits the data (config_resolve). */
typedef enum { NETWORK_UNET, NETWORK_MLP, NETWORK_AUTO } NetworkKind;
extern const char *const network_words[];

/* AUTO: what suits the method (config_resolve). */
typedef enum { TIME_CHOICE_AUTO, TIME_CHOICE_POSITIONAL, TIME_CHOICE_FOURIER } TimeChoice;
extern const char *const time_choice_words[];

/* What the data or other keys decide (sizes, channels, classes, time_kind) is not set in `unet` and
 * `mlp` yet; network_from_config adds it. Keys that both networks have stand in `unet`. */
typedef struct {
    NetworkKind type;
    TimeChoice time;
    int channels;                     /* unet: of the first level */
    int multipliers[UNET_MAX_LEVELS]; /* [unet.levels] of `channels`, one per level */
    int attention[UNET_MAX_LEVELS];   /* image heights that get attention */
    int attentions;                   /* length of attention */
    bool class_conditional;
    UNetConfig unet; /* groups 0: min(32, channels / 4); fourier_scale 0: config_resolve */
    MlpConfig mlp;
} NetworkConfig;

#endif
