/* The multi-scale sliced Wasserstein distance of sets of images (Karras et al. 2018, section 5): the
 * sliced distance of their patches, at each level of the Laplacian pyramid. The fine levels judge
 * texture and noise, the coarse ones the shape of what is shown. */
#ifndef DIFFC_MULTISCALE_DISTANCE_H
#define DIFFC_MULTISCALE_DISTANCE_H

#include "model/pyramid_patches.h"
#include "model/sliced_distance.h"

typedef struct {
    PyramidShape pyramid;
    PatchShape patches; /* of the finest level */
    SlicedDistance level[SLICED_OTHERS][PYRAMID_MOST_LEVELS];
    SlicedDistance mean[SLICED_OTHERS]; /* of the levels */
} MultiscaleDistance;

/* Compares each of `others` sets with the reference; all have the same shape and number of images. */
bool multiscale_distance(const ImageSet *reference, const ImageSet *other, int others,
                         const WorkProgress *progress, MultiscaleDistance *out, Err *err);

#endif
