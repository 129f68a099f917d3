/* Patches of a level of the Laplacian pyramids of images, as vectors (Karras et al. 2018, section 5 and
 * their program): 7x7 pixels, at random places, normalised per channel to mean 0 and standard deviation
 * 1 over all patches of the set. Smaller images are one patch each.
 *   Image i of every set of as many images has its patches at the same places: equal sets have equal
 * vectors, and the distance of two sets does not rest on where their patches lie. */
#ifndef DIFFC_PYRAMID_PATCHES_H
#define DIFFC_PYRAMID_PATCHES_H

#include "model/image_set.h"
#include "model/laplacian_pyramid.h"

enum { PATCH_SIDE = 7, PATCHES_PER_IMAGE = 128, PATCHES_MOST = 1 << 17 };

typedef struct {
    int H, W, C;      /* of a patch */
    size_t per_image; /* PATCHES_PER_IMAGE, fewer where a set would have more than PATCHES_MOST */
    size_t count;     /* of the set */
    int dims;         /* H W C */
} PatchShape;

PatchShape patch_shape(Shape level, size_t images);

/* out [count, dims], those of an image one after the other. */
bool pyramid_patches(const ImageSet *images, const PyramidShape *pyramid, int level, float *out,
                     Err *err);

#endif
