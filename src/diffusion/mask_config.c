#include "diffusion/mask_config.h"

#include <stddef.h>

const char *const mask_alphas_words[] = {
    [ALPHAS_MERGED] = "merged", [ALPHAS_LITERAL] = "literal", [ALPHAS_RESCALED] = "rescaled", NULL};
const char *const mask_reward_words[] = {[REWARD_BOUND] = "bound", [REWARD_LOSS] = "loss", NULL};
const char *const mask_baseline_words[] = {
    [BASELINE_OTHERS] = "others", [BASELINE_RUNNING] = "running", [BASELINE_NONE] = "none", NULL};
const char *const mask_extract_words[] = {[EXTRACT_MOVES] = "moves",
                                          [EXTRACT_DRAW] = "draw",
                                          [EXTRACT_TOP] = "top",
                                          [EXTRACT_OPTIMUM] = "optimum",
                                          NULL};
