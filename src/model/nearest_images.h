/* Which training images images come closest to: whether a model memorises. */
#ifndef DIFFC_NEAREST_IMAGES_H
#define DIFFC_NEAREST_IMAGES_H

#include "model/neighbours.h"

typedef struct {
    int k;
    Neighbour *nearest; /* [images, k]: places in the training set, nearest first */
    double
        *own; /* [images]: the squared distance of the nearest training image from its own nearest
                    neighbour in the training set */
    /* Images that lie nearer to their nearest training image than its own nearest neighbour does: all of
     * those that are copies, and of images drawn as the training images were a part that depends on the
     * data (a quarter in Fashion-MNIST). */
    size_t nearer;
} NearestImages;

/* training must hold more than k images. Free with nearest_images_free, also after a failure. */
bool nearest_images_find(const ImageSet *images, const ImageSet *training, int k,
                         const WorkProgress *progress, NearestImages *out, Err *err);
void nearest_images_free(NearestImages *n);

/* Whether image i is one of those `nearer`. */
bool nearest_images_is_nearer(const NearestImages *n, size_t i);

#endif
