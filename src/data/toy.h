/* Toys: distributions in the plane, drawn by formula. Point k of a run is a function of (seed, k), so
 * there are as many training points as a run asks for and none is seen twice; held-out points come
 * from streams of their own. */
#ifndef DIFFC_TOY_H
#define DIFFC_TOY_H

#include <stdbool.h>
#include <stdint.h>

#include "data/data_config.h"

enum { TOY_DIMS = 2 };

/* The formula in words, for the start of a run. */
const char *toy_formula(ToyKind kind);

/* xy[0], xy[1] of point k, with u, v uniform in (0, 1) and z standard normal in the plane:
 *   two-modes     0.8 N((5,5), I) + 0.2 N((-5,-5), I) (Song & Ermon 2019, section 3.2.2)
 *   ring          (2 cos a, 2 sin a) + 0.15 z,  a = 2 pi i/8,  i uniform on 0..7
 *   swiss-roll    (a cos a, a sin a) / 5 + 0.1 z,  a = 1.5 pi (1 + 2 u)
 *   checkerboard  (i + u - 2, j + v - 2),  (i, j) uniform on the 8 of 4x4 cells with i + j even
 * Standard deviations of a coordinate: 4.1, 1.42, 1.4, 1.15. */
void toy_point(ToyKind kind, uint64_t seed, bool held_out, uint64_t k, float xy[TOY_DIMS]);

/* Half the side of the square around the origin that holds nearly all points: the region of a
 * picture. */
double toy_reach(ToyKind kind);

#endif
