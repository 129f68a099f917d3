#include "diffusion/mask_config.h"

#include <stddef.h>

const char *const mask_alphas_words[] = {
    [ALPHAS_MERGED] = "merged", [ALPHAS_LITERAL] = "literal", [ALPHAS_RESCALED] = "rescaled", NULL};
const char *const mask_recipe_words[] = {[RECIPE_TUNED] = "tuned", [RECIPE_PAPER] = "paper", NULL};

const MaskRules mask_recipes[] = {
    /* With a fine schedule and few steps the literal chain never comes near noise, and the loss prefers
     * the noisiest steps; configs/README.md says what each difference from the paper is worth. */
    [RECIPE_TUNED] = {.alphas = ALPHAS_MERGED,
                      .masks = 4,
                      .bound = true,
                      .precondition = true,
                      .rate = 0.03,
                      .full = 0.16,
                      .ramp = 0.6,
                      .settle = 0.7,
                      .moves = true},
    /* Algorithm 1 of Zhang et al. 2024. Where its equations stand: methods/eddpm.c. */
    [RECIPE_PAPER] = {.alphas = ALPHAS_LITERAL, /* eq. 6 */
                      .masks = 1,               /* eq. 9: gradient = loss * d ln p(m|s)/ds */
                      .bound = false,
                      .precondition = false,
                      .rate = 0.03,  /* eta of eq. 11: s <- projection(s - eta * gradient) */
                      .full = 0.16,  /* eq. 10: (e_1 - 1) / N, where epoch e of N begins at */
                      .ramp = 0.99,  /* (e - 1) / N of the run; and (N - 1) / N */
                      .settle = 1,   /* the scores move in every update */
                      .moves = false /* the scores are said to end as a sparse deterministic mask,
                                        which a draw then returns */}};
