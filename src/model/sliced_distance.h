/* The sliced Wasserstein distance of sets of points (Rabin et al. 2011): both sets are projected on
 * random directions, and of each direction the distance is that of the sorted projections,
 *
 *   W_1 = mean_i |x_(i) - y_(i)|,  SW = mean over the directions of W_1
 *
 * as Karras et al. (2018) compute it. It falls with the number of points even for two sets of one
 * distribution, so a distance means something beside that of two such sets of the same size. */
#ifndef DIFFC_SLICED_DISTANCE_H
#define DIFFC_SLICED_DISTANCE_H

#include "model/image_set.h"

enum { SLICED_DIRECTIONS = 512, SLICED_PARTS = 10, SLICED_OTHERS = 2 };

/* Sets of equally many points. */
typedef struct {
    size_t count;
    int dims;
    size_t together;        /* so many points that follow each other are one item: an image */
    const float *reference; /* [count, dims] */
    const float *other[SLICED_OTHERS];
    int others; /* each is compared with the reference */
} SlicedPoints;

/* The items are cut into `parts` parts, 10 where there are as many. */
typedef struct {
    double distance;
    int parts;
    double without[SLICED_PARTS]; /* the distance with a part left out of both sets */
} SlicedDistance;

/* out [others]. The directions are the same in every call with as many dimensions. */
bool sliced_distances(const SlicedPoints *p, const WorkProgress *progress, SlicedDistance *out,
                      Err *err);

/* The memory that it takes beside the sets. */
size_t sliced_bytes(size_t count, int dims, int others);

/* Of the distance, by the jackknife: sqrt((G - 1)/G sum_g (D_g - mean D)^2) over G parts. It covers
 * the choice of the images, not that of the directions. */
double sliced_standard_error(const SlicedDistance *d);

/* The mean of n distances of the same items. */
SlicedDistance sliced_mean(const SlicedDistance *d, int n);

#endif
