/* The settings "model": which network, and its options as the configuration gives them. */
#ifndef DIFFC_NETWORK_CONFIG_H
#define DIFFC_NETWORK_CONFIG_H

#include "net/mlp_config.h"
#include "net/unet_config.h"

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
