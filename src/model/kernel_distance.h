/* The kernel distance of two sets of features: KID where the features are those of Inception (Binkowski et al. 2018,
 * section 3): the unbiased estimate of the squared maximum mean discrepancy with k(x, y) = (x y / dims + 1)^3.
 * Of m vectors of each set
 *
 *   mmd^2 = sum_(i != j) (k(x_i, x_j) + k(y_i, y_j)) / (m (m - 1)) - 2 sum_ij k(x_i, y_j) / m^2
 *
 * It is the mean over 100 subsets of min(1000, all) vectors, drawn without repetition; of sets of up to 1000 every
 * subset is the set. It may be below 0. */
#ifndef DIFFC_KERNEL_DISTANCE_H
#define DIFFC_KERNEL_DISTANCE_H

#include "model/image_set.h"

enum { KERNEL_SUBSETS = 100, KERNEL_SUBSET_VECTORS = 1000, KERNEL_PARTS = 10 };

/* The standard error is that of the jackknife over parts of the vectors, as of the sliced distance:
 * sqrt((G - 1)/G sum_g (D_g - mean D)^2), where D_g is the distance without part g of both sets. Each part is a
 * tenth of a set, cut in its order, so the order must say nothing. */
typedef struct {
    double distance;
    double standard_error; /* NAN for fewer than 2 vectors a part */
    int subsets, vectors;  /* of a subset */
} KernelDistance;

/* out[i]: of others[i] to the reference. All have the same number of features and at least 2 vectors. The subsets
 * are the same in every call with as many vectors. */
bool kernel_distances(const Features *reference, const Features *others, int count,
                      const WorkProgress *progress, KernelDistance *out, Err *err);

#endif
