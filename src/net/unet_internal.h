/* Shared by unet.c (the walk) and unet_config.c (the check). */
#ifndef DIFFC_UNET_INTERNAL_H
#define DIFFC_UNET_INTERNAL_H

#include "net/unet.h"

/* Groups of a norm over C channels. Null means min(C/4, 32), which diffusers itself only does in
 * the middle block and the head. */
int unet_groups(const UNetConfig *c, int C);

/* Groups of the middle attention's norm; 0: it has none. */
int unet_mid_attention_groups(const UNetConfig *c, int C);

#endif
