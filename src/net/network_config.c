#include "net/network_config.h"

#include <stddef.h>

const char *const network_words[] = {
    [NETWORK_UNET] = "unet", [NETWORK_MLP] = "mlp", [NETWORK_AUTO] = "auto", NULL};
const char *const time_choice_words[] = {[TIME_CHOICE_AUTO] = "auto",
                                         [TIME_CHOICE_POSITIONAL] = "positional",
                                         [TIME_CHOICE_FOURIER] = "fourier",
                                         NULL};
