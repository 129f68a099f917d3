/* Learning the scores of mask.h along a training run: policy gradient under a shrinking budget, then a
 * fixed mask. Knows no network: it draws masks, is told what the predictions cost, and moves the
 * scores. How it differs from Zhang et al. 2024, algorithm 1, by default, and how to have that:
 *
 *   alphas "merged"      theirs are "literal" (mask_alpha_bar)
 *   reward "bound"       the variational bound of the mask's chain at the errors measured so far
 *                        (step_costs.h); theirs is "loss", the batch's plain loss, which likes the
 *                        noisiest steps best, for there the noise is easiest to tell
 *   4 masks an update    theirs is 1 (the batch is shared out among them), with no baseline
 *   preconditioned       by sqrt(s (1 - s)); and the rate counts in running spreads of the reward, so
 *                        that it does not depend on its unit
 *   extract "moves"      the best of many draws from the scores, its steps then moved one by one while
 *                        the bound falls; theirs are drawn
 *   end of the run       the budget is reached before the end and the last part has a fixed mask */
#ifndef DIFFC_MASK_LEARNER_H
#define DIFFC_MASK_LEARNER_H

#include <stdint.h>

#include "diffc/err.h"
#include "diffc/mask.h"
#include "diffc/schedule.h"
#include "diffc/step_costs.h"

typedef struct {
    int keep; /* K: steps in the end, 1 .. T */
    MaskAlphas alphas;
    MaskReward reward;
    MaskBaseline baseline;
    MaskExtract extract;
    int masks; /* drawn for each update */
    double rate;
    bool precondition;
    /* Shares of the run: all steps are kept until `full`, K of them are budgeted from `ramp` on, and
     * from `settle` on they are fixed. full < ramp <= settle. */
    double full, ramp, settle;
    double mean_square; /* of a data value, for the end of the chain */
    uint64_t seed;
} MaskConfig;

/* What an update uses of one mask. */
typedef struct {
    unsigned char *m;  /* [T] */
    double *alpha_bar; /* [T] */
    int kept;
} Mask;

typedef struct {
    MaskConfig config;
    const Schedule *schedule;
    int T;
    double *s, *gradient; /* [T] */
    Mask *masks;          /* [config.masks] */
    double *cost, *scale; /* [config.masks] */
    StepErrors errors;
    ErrorCurve curve;       /* errors as they were when the masks were drawn */
    double running, spread; /* of the costs; spread 0: none seen */
    double judged;          /* updates in `running` */
    uint64_t drawn;         /* masks so far */
    void *block;
} MaskLearner;

/* The schedule must outlive the learner. All scores are 1. ERR_USAGE for a configuration that cannot
 * be, ERR_MEMORY; freeing a zeroed one is harmless. */
bool mask_learner_open(MaskLearner *l, const MaskConfig *c, const Schedule *schedule, Err *err);
void mask_learner_close(MaskLearner *l);

/* The masks of the next update, `progress` being the share of the run that is done. From `settle` on
 * the scores are the extracted mask themselves. ERR_MEMORY. */
bool mask_learner_draw(MaskLearner *l, double progress, Err *err);

/* The level of training sample `number` of the run, which is image i of its update and belongs to mask
 * i mod masks: uniform among the kept, by the counter. */
NoiseLevel mask_learner_level(const MaskLearner *l, int i, uint64_t number);

/* Tells the mean squared error of one prediction of x0. */
void mask_learner_observe(MaskLearner *l, NoiseLevel level, double error);

/* The error to be expected at a level, by what was observed before this update; and, for levels from
 * which one might step to the image itself, the decoder's nats per dimension with that variance. */
double mask_learner_expected_error(const MaskLearner *l, NoiseLevel level);
void mask_learner_observe_decoder(MaskLearner *l, NoiseLevel level, double nats);

/* Moves the scores after an update and projects them to the budget at `progress`. loss[masks]: mean
 * loss of each mask's images (read by the reward "loss" only). */
void mask_learner_update(MaskLearner *l, double progress, const double *loss);

/* The mask to sample with: all steps while the budget is whole, later exactly as many as the budget
 * rounds to, K in the end. m[T] out. ERR_MEMORY. */
bool mask_learner_extract(const MaskLearner *l, double progress, unsigned char *m, Err *err);

/* Everything that a resumed run needs, as numbers: mask_learner_state_count of them. Restoring is false
 * for numbers that cannot be such a state; the learner is then as it was. */
size_t mask_learner_state_count(const MaskLearner *l);
void mask_learner_save(const MaskLearner *l, double *state);
bool mask_learner_restore(MaskLearner *l, const double *state);

#endif
