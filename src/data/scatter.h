/* Scatter plots of points in the plane. */
#ifndef DIFFC_SCATTER_H
#define DIFFC_SCATTER_H

#include <stddef.h>

#include "base/err.h"
#include "data/image.h"

/* What the picture shows: a square with the same scale on both axes. */
typedef struct {
    double x, y;  /* its centre */
    double reach; /* half its side, above 0 */
} ScatterView;

enum { SCATTER_LEAST = 256, SCATTER_MOST = 4096 };

/* The smallest square that holds every finite point, and a margin; without any, -1 .. 1. */
ScatterView scatter_view(const float *xy, size_t count);

/* Draws count points xy [count,2] into a new picture of size x size pixels (SCATTER_LEAST ..
 * SCATTER_MOST): blue dots on white that darken where they lie on each other, a grey frame, ticks
 * with their numbers. Dots are smaller and fainter the more there are. *outside (may be NULL) is how
 * many points the view does not hold (those that are not finite too); they are not drawn.
 * ERR_MEMORY. */
bool scatter_plot(const float *xy, size_t count, const ScatterView *view, int size, Image *out,
                  size_t *outside, Err *err);

#endif
