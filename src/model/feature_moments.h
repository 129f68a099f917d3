/* Mean and covariance of sets of features, in double. They are also what pytorch-fid keeps of a data set: an
 * .npz file with the arrays mu [dims] and sigma [dims, dims] of float64. */
#ifndef DIFFC_FEATURE_MOMENTS_H
#define DIFFC_FEATURE_MOMENTS_H

#include "model/image_set.h"

enum { MOMENTS_MOST_DIMS = 16384 };

typedef struct {
    int dims;
    size_t count;       /* vectors; 0: not known */
    double *mean;       /* [dims] */
    double *covariance; /* [dims, dims], with the divisor count - 1 */
} FeatureMoments;

/* Of at least two vectors. double_matrix_start must have been called. */
bool feature_moments(const Features *f, const WorkProgress *progress, FeatureMoments *out,
                     Err *err);
/* Also after a failure. */
void feature_moments_free(FeatureMoments *m);

/* x [count, dims]: vectors first .. first + count - 1 less the mean. */
void features_centred(const Features *f, const double *mean, size_t first, size_t count, double *x);

/* Reads such a file (count 0). ERR_FORMAT for other arrays, for numbers that are not finite and for a sigma that is no
 * covariance: not symmetric, or negative on the diagonal. */
bool feature_moments_read(const char *path, FeatureMoments *out, Err *err);
/* Writes one: the old file or the whole new one. */
bool feature_moments_write(const char *path, const FeatureMoments *m, Err *err);

#endif
