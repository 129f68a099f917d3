#include "diffusion/sample_config.h"

#include <stddef.h>

const char *const variance_words[] = {
    [VARIANCE_SMALL] = "small", [VARIANCE_LARGE] = "large", [VARIANCE_LEARNED] = "learned", NULL};
const char *const spacing_words[] = {[SPACING_EVEN] = "even",
                                     [SPACING_LEADING] = "leading",
                                     [SPACING_TRAILING] = "trailing",
                                     [SPACING_QUADRATIC] = "quadratic",
                                     [SPACING_UNIFORM] = "uniform",
                                     [SPACING_LOGSNR] = "logsnr",
                                     [SPACING_KARRAS] = "karras",
                                     [SPACING_AUTO] = "auto",
                                     [SPACING_DP] = "dp",
                                     NULL};
const char *const predictor_words[] = {[PREDICTOR_REVERSE_DIFFUSION] = "reverse-diffusion",
                                       [PREDICTOR_ANCESTRAL] = "ancestral",
                                       [PREDICTOR_NONE] = "none",
                                       NULL};
