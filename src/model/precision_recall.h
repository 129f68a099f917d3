/* How much of one set of vectors lies where the other does. Around each vector lies a ball, edge included,
 * which reaches as far as the vector's k-th nearest neighbour in its own set. With N real vectors and M made
 * ones:
 *
 *   precision  the share of the made ones in the ball of any real one        Kynkaanniemi et al. (2019)
 *   recall     the share of the real ones in the ball of any made one
 *   density    the number of real balls that hold a made one, summed over these, / (k M)
 *                                                                            Naeem et al. (2020)
 *   coverage   the share of the real ones whose ball holds any made one
 *
 * For two sets of one distribution density is expected to be 1. What the others then are depends on the
 * distribution, k, N and M, so a figure must be compared with that of two such sets. */
#ifndef DIFFC_PRECISION_RECALL_H
#define DIFFC_PRECISION_RECALL_H

#include "model/image_set.h"

typedef struct {
    double precision, recall, density, coverage;
} PrecisionRecall;

/* out[i]: of the set made[i], i < count. The real set and each made one must have more than k vectors. */
bool precision_recall(const Features *real, const Features *made, int count, int k,
                      const WorkProgress *progress, PrecisionRecall *out, Err *err);

#endif
