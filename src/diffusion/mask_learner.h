/* Learning the scores of mask.h along a training run: policy gradient under a shrinking budget, by the
 * rules of a recipe (mask_config.c). Knows no network: it draws masks, is given what the predictions cost,
 * and moves the scores.
 *
 * Algorithm 1 of the paper cannot go on with an empty mask, because it has no step to train: the step with
 * the largest score is then trained, and eq. 9 still takes the empty mask. An extracted mask has exactly K
 * steps (mask_complete), whatever the draw has. */
#ifndef DIFFC_MASK_LEARNER_H
#define DIFFC_MASK_LEARNER_H

#include <stdint.h>

#include "base/err.h"
#include "diffusion/mask.h"
#include "diffusion/schedule.h"
#include "diffusion/step_costs.h"

/* What an update uses of one mask. */
typedef struct {
    unsigned char *m;  /* [T] the steps that are trained */
    double *alpha_bar; /* [T] */
    int kept;
    bool empty;  /* drawn without steps; m keeps the one with the largest score */
    double loss; /* sum over the update's images that belong to the mask */
    int images;
} Mask;

/* The errors of one prediction: the mean squared error of x0 as sampling predicts it; and, for levels
 * from which one might step to the image itself, the decoder's nats per dimension with the variance
 * mask_learner_expected_error, else NAN. */
typedef struct {
    double error, nats;
} PredictionError;

typedef struct {
    int keep;
    MaskAlphas alphas;
    MaskRules rules;
    double mean_square; /* of a data value, for the end of the chain */
    uint64_t seed;
    const Schedule *schedule;
    int T;
    double *s, *gradient; /* [T] */
    unsigned char *none;  /* [T] the empty mask */
    Mask *masks;          /* [rules.masks] */
    double *cost, *scale; /* [rules.masks] */
    StepErrors errors;
    ErrorCurve curve; /* errors as they were when the masks were drawn */
    double spread;    /* running, of the costs about what they are compared with; 0: none seen */
    uint64_t drawn;   /* masks so far */
    double progress;  /* share of the run that was done at the start of the running update */
    uint64_t first;   /* number of its first sample in the run */
    void *block;
} MaskLearner;

/* c: checked and resolved. The schedule must outlive the learner. mean_square: of a data value. All
 * scores are 1. ERR_MEMORY; freeing a zeroed one is harmless. */
bool mask_learner_open(MaskLearner *l, const MaskConfig *c, double mean_square, uint64_t seed,
                       const Schedule *schedule, Err *err);
void mask_learner_close(MaskLearner *l);

/* Begins an update, `progress` being the share of the run that is done and `first` the number of its first
 * sample in the run: draws its masks. From `settle` on the scores are the extracted mask themselves.
 * ERR_MEMORY. */
bool mask_learner_draw(MaskLearner *l, double progress, uint64_t first, Err *err);

/* The level of sample `number` of the run, in the update: image i of it belongs to mask i mod masks.
 * Uniform among the kept, by the counter. */
NoiseLevel mask_learner_level(const MaskLearner *l, uint64_t number);

/* The mean squared error of x0 to be expected at a level, by what was observed before this update. */
double mask_learner_expected_error(const MaskLearner *l, NoiseLevel level);

/* Takes the errors of the prediction of sample `number`, and its loss, which only rules without `bound`
 * read. In a fixed order of samples, as sums are made of them. */
void mask_learner_observe(MaskLearner *l, uint64_t number, PredictionError seen, double loss);

/* Ends an update: moves the scores and projects them to the budget; from `settle` on they stay. */
void mask_learner_update(MaskLearner *l);

/* The mask to sample with: all steps while the budget is whole, later exactly as many as the budget
 * rounds to, K in the end. m[T] out. ERR_MEMORY. */
bool mask_learner_extract(const MaskLearner *l, double progress, unsigned char *m, Err *err);

/* Everything that a resumed run needs, as numbers: mask_learner_state_count of them. Restoring is false
 * for numbers that cannot be such a state; the learner is then as it was. */
size_t mask_learner_state_count(const MaskLearner *l);
void mask_learner_save(const MaskLearner *l, double *state);
bool mask_learner_restore(MaskLearner *l, const double *state);

#endif
