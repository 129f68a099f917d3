/* Noise levels and Langevin steps chosen from the data, by the techniques of "Improved Techniques
 * for Training Score-Based Generative Models" (Song & Ermon 2020, NCSNv2). Technique 1, the largest
 * level, is the widest pair of points (widest_pair.h). */
#ifndef DIFFC_SMLD_LEVELS_H
#define DIFFC_SMLD_LEVELS_H

#include <stddef.h>

/* Technique 2: the ratio g of neighbouring levels for which half of a level's noise shell lies in
 * the 3-sigma shell of the next,
 *   Phi(sqrt(2 dims) (g-1) + 3g) - Phi(sqrt(2 dims) (g-1) - 3g) = 1/2.
 * In few dimensions the shells are balls that overlap at any ratio (no root below 5 dimensions), so
 * g is at most 100^(1/9) = 1.668, that of ten levels over a factor of 100 (Song & Ermon 2019). */
double smld_ratio(size_t dims);

/* Geometric levels from sigma_max down to sigma_min, both included, for neighbours to be at most
 * that ratio apart; at least 2. */
int smld_levels(double sigma_max, double sigma_min, size_t dims);

/* Technique 4: the step e of annealed Langevin dynamics at the smallest level that keeps the
 * variance closest to the level's when sigma falls by `ratio` and T steps follow:
 *   u = e / sigma_min^2,  q = (1-u)^2T,  b = 2u / (1 - (1-u)^2):  q (ratio^2 - b) + b nearest to 1.
 * ratio > 1. */
double langevin_step_size(int steps_per_level, double sigma_min, double ratio);

#endif
