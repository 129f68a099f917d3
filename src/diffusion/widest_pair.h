/* The largest Euclidean distance between two points of a set: the largest noise level of SMLD and VE
 * (Song & Ermon 2020, technique 1). */
#ifndef DIFFC_WIDEST_PAIR_H
#define DIFFC_WIDEST_PAIR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* Points by number; `point` writes point i, dims values, and may be called from several threads. */
typedef struct {
    void *context;
    size_t count, dims;
    void (*point)(void *context, size_t i, float *x);
    bool sampled; /* there are more such points than these, so the distance is a lower bound */
} PointSet;

typedef struct {
    double distance; /* 0 for fewer than two points */
    bool exact;      /* no pair is wider; false: a lower bound */
} WidestPair;

/* WIDEST_STARTS points each lead to the point farthest from them, and on from there while the distance
 * grows. Only few other pairs can be wider. With r the distance from the points' mean, a its part along
 * the pair found first and b the part across,
 *   |x_i - x_j| <= r_i + r_j,   |x_i - x_j|^2 <= (a_i - a_j)^2 + (b_i + b_j)^2,
 * and the pairs for which both exceed the widest so far are compared, largest r first. This ends
 * after WIDEST_WORK products of two values, unless there are no more than WIDEST_POINTS points; where
 * pairs are left, the distance is a lower bound. Of the 60,000 images of Fashion-MNIST 5.6 million pairs
 * pass the first bound and 0.3 million both, an eighth of the limit; digits (MNIST) reach the limit. The
 * result does not depend on the number of threads. ERR_MEMORY, ERR_INTERRUPTED. */
#define WIDEST_WORK (1ll << 31)
enum { WIDEST_STARTS = 8, WIDEST_POINTS = 512 };
bool widest_pair(const PointSet *points, WidestPair *found, Err *err);

#endif
