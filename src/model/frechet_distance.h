/* The Frechet distance of the Gaussians that have the mean and the covariance of two sets of features: FID where the
 * features are those of Inception (Heusel et al. 2017, section 3).
 *
 *   d^2 = |mu1 - mu2|^2 + tr S1 + tr S2 - 2 tr (S1 S2)^(1/2)
 *
 * The last trace is the sum of the roots of the eigenvalues of A S2 A^T, where the rows of A are the eigenvectors of
 * S1 times the roots of their eigenvalues: that matrix is symmetric, so singular covariances need no care.
 *
 * The distance is biased upwards, the more so the fewer vectors there are beside features: it means something
 * beside that of two sets of one distribution of the same size. */
#ifndef DIFFC_FRECHET_DISTANCE_H
#define DIFFC_FRECHET_DISTANCE_H

#include "model/feature_moments.h"

/* One of the compared sets. */
typedef struct {
    const FeatureMoments *moments;
    const Features *features; /* that they are of; NULL: not known */
} FrechetSet;

/* The standard error is that of the infinitesimal jackknife (Jaeckel 1972): the root of sum_i f(x_i)^2 / n^2 over
 * the vectors of a set, where f is how much the distance changes with the weight of x_i. With
 * T = A^T (A S2 A^T)^(-1/2) A, which carries the second Gaussian to the first (T S2 T = S1), and u = x - mu2,
 *
 *   f(x) = 2 (mu2 - mu1) u + u^T (I - T) u - its mean
 *
 * for x of the second set, and the same with the sets exchanged (T^-1) for the first. A set whose vectors are not
 * known counts as without error. NAN where no vectors are known. */
typedef struct {
    double distance; /* d^2 */
    double means;    /* the part |mu1 - mu2|^2 */
    double standard_error;
} FrechetDistance;

/* out[i]: of others[i] to the reference; all have the same number of features. */
bool frechet_distances(const FrechetSet *reference, const FrechetSet *others, int count,
                       const WorkProgress *progress, FrechetDistance *out, Err *err);

#endif
