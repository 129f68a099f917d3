/* How much of one set of vectors lies where the other does. Each set is spread out to balls: one around
 * each vector, which reaches as far as its k-th nearest neighbour in the set. With N real vectors, M
 * made ones, and B() a ball of either set, the edge included:
 *
 *   precision  the part of the made ones in the ball of any real one        Kynkaanniemi et al. (2019)
 *   recall     the part of the real ones in the ball of any made one
 *   density    sum over the made ones of the real balls that hold it, / (k M)   Naeem et al. (2020)
 *   coverage   the part of the real ones whose ball holds any made one
 *
 * The expectations for two sets of one distribution depend on it, on k and on N and M, except that
 * density has 1; so a figure means something beside that of two such sets. */
#ifndef DIFFC_PRECISION_RECALL_H
#define DIFFC_PRECISION_RECALL_H

#include "model/image_set.h"

typedef struct {
    double precision, recall, density, coverage;
} PrecisionRecall;

/* Of each of `count` made sets; real_sets and made sets must have more than k vectors. */
bool precision_recall(const Features *real, const Features *made, int count, int k,
                      const WorkProgress *progress, PrecisionRecall *out, Err *err);

#endif
