/* The settings of EDDPM in "method": how a run learns which steps to keep (mask_learner.h). */
#ifndef DIFFC_MASK_CONFIG_H
#define DIFFC_MASK_CONFIG_H

#include <stdbool.h>

/* How the noise of the steps that a mask keeps is formed (mask.h). */
typedef enum { ALPHAS_AUTO = -1, ALPHAS_MERGED, ALPHAS_LITERAL, ALPHAS_RESCALED } MaskAlphas;
extern const char *const mask_alphas_words[];

/* Everything else that the paper leaves open or that may be done otherwise, as one choice: today's best,
 * or Algorithm 1 of the paper to the letter. */
typedef enum { RECIPE_TUNED, RECIPE_PAPER } MaskRecipe;
extern const char *const mask_recipe_words[];

typedef struct {
    int keep; /* K: steps in the end, 1 .. T */
    MaskRecipe recipe;
    MaskAlphas alphas; /* ALPHAS_AUTO: those of the recipe's rules, put there by config_resolve */
} MaskConfig;

/* What a recipe sets. */
typedef struct {
    MaskAlphas alphas; /* where the configuration leaves it to the recipe */
    /* Drawn for each update. The cost of each of several masks is compared with the mean cost of the
     * others, in running spreads of the cost about it; the cost of one mask alone is taken as it is. */
    int masks;
    bool bound; /* a mask costs the variational bound of its chain; false: the loss of its images */
    bool precondition; /* mask_add_score_gradient */
    double rate;       /* step size of the scores */
    /* Shares of the run: the budget is T until `full` and K from `ramp` on; from `settle` on the steps
     * are extracted and fixed. full < ramp <= settle. */
    double full, ramp, settle;
    /* The K steps are the best of many draws from the scores, moved one by one while the bound of their
     * chain falls; false: one draw. */
    bool moves;
} MaskRules;
extern const MaskRules mask_recipes[]; /* by MaskRecipe */

#endif
