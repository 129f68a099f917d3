#include "methods/method_config.h"

#include <stddef.h>

#define WORD(place, word) #word,
const char *const method_words[] = {METHODS(WORD) NULL};
const char *const weighting_words[] = {
    [WEIGHTING_SIMPLE] = "simple", [WEIGHTING_LIKELIHOOD] = "likelihood", NULL};
const char *const time_draw_words[] = {
    [TIMES_INDEPENDENT] = "independent", [TIMES_EVEN] = "even", NULL};
const char *const objective_words[] = {[OBJECTIVE_DENOISING] = "denoising",
                                       [OBJECTIVE_EXACT] = "exact",
                                       [OBJECTIVE_SLICED] = "sliced",
                                       NULL};
