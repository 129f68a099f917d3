/* The Laplacian pyramid of an image (Burt & Adelson 1983), as Karras et al. (2018) take patches from it:
 *
 *   G_0 = image,  G_{l+1} = down(G_l),  L_l = G_l - up(G_{l+1}),  and of the last level L = G
 *
 * down: filtered with (1 4 6 4 1)/16 along both axes, then every second pixel from the first on, so that
 * n pixels become (n + 1)/2. up: zeros between the pixels, filtered with twice those weights. Beyond its
 * ends an image goes on mirrored, without its first and last pixel twice.
 *   Karras et al. halve images of 2^k pixels down to 16x16. Of other sizes a level is halved while
 * the shorter side of the half is at least 12: of 12 to 23 the one that is nearest to 16 as a ratio.
 * Images are not padded: 28x28 has the levels 28x28 and 14x14. */
#ifndef DIFFC_LAPLACIAN_PYRAMID_H
#define DIFFC_LAPLACIAN_PYRAMID_H

#include <stddef.h>

#include "net/net.h"

enum { PYRAMID_MOST_LEVELS = 20, PYRAMID_LEAST_SIDE = 12 };

typedef struct {
    int count;
    Shape level[PYRAMID_MOST_LEVELS]; /* the finest first */
} PyramidShape;

PyramidShape pyramid_shape(Shape image);

/* Floats of all levels together, and where one begins. */
size_t pyramid_floats(const PyramidShape *p);
size_t pyramid_offset(const PyramidShape *p, int level);

/* levels: out [pyramid_floats], each [H, W, C], in levels of grey. scratch [H, W, C] of the image. */
void pyramid_make(const PyramidShape *p, const unsigned char *pixels, float *levels,
                  float *scratch);

#endif
