#include "train/optimizer_config.h"

#include <stddef.h>

const char *const optimizer_words[] = {
    [OPTIMIZER_ADAM] = "adam", [OPTIMIZER_ADAMW] = "adamw", NULL};
const char *const rate_words[] = {[RATE_CONSTANT] = "constant", [RATE_COSINE] = "cosine", NULL};
