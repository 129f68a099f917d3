/* The settings of EDDPM in "method": how a run learns which steps to keep (mask_learner.h). */
#ifndef DIFFC_MASK_CONFIG_H
#define DIFFC_MASK_CONFIG_H

#include <stdbool.h>

/* How the noise of the steps that a mask keeps is formed (mask.h). */
typedef enum { ALPHAS_MERGED, ALPHAS_LITERAL, ALPHAS_RESCALED } MaskAlphas;
extern const char *const mask_alphas_words[];

/* What a mask is judged by: the variational bound of its chain, or the loss of the batch. */
typedef enum { REWARD_BOUND, REWARD_LOSS } MaskReward;
extern const char *const mask_reward_words[];

/* What a mask's reward is compared with: the mean of the batch's other masks, a running mean, 0. */
typedef enum { BASELINE_OTHERS, BASELINE_RUNNING, BASELINE_NONE } MaskBaseline;
extern const char *const mask_baseline_words[];

/* How K steps come from the scores: the best of many draws, moved one by one while its bound falls; one
 * draw; the K largest; or not from the scores but as the optimum for the measured errors. */
typedef enum { EXTRACT_MOVES, EXTRACT_DRAW, EXTRACT_TOP, EXTRACT_OPTIMUM } MaskExtract;
extern const char *const mask_extract_words[];

typedef struct {
    int keep; /* K: steps in the end, 1 .. T */
    MaskAlphas alphas;
    MaskReward reward;
    MaskBaseline baseline;
    MaskExtract extract;
    int masks;   /* drawn for each update */
    double rate; /* step size; with a baseline, in running spreads of the reward about it */
    bool precondition;
    /* Shares of the run: the budget is T until `full` and K from `ramp` on; from `settle` on the steps
     * are extracted and fixed. full < ramp <= settle. */
    double full, ramp, settle;
} MaskConfig;

#endif
