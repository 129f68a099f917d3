/* Muon (Jordan et al. 2024), for the weights that are matrices: the momentum of the gradient, made orthogonal.
 *   m = b m + (1 - b) g,  X = orthogonal(b m + (1 - b) g),  w -= lr (0.2 sqrt(max(rows, columns)) X + decay w)
 * The factor gives an update the root mean square that Adam's have (Liu et al. 2025, section 2.2), so that one
 * learning rate serves both. orthogonal() is five Newton-Schulz steps X' = a X + b (X X^T) X + c (X X^T)^2 X from
 * X / |X|, which bring all singular values to between 0.7 and 1.2. */
#ifndef DIFFC_MUON_H
#define DIFFC_MUON_H

#include <stdbool.h>
#include <stddef.h>

#include "base/params.h"

/* Whether the parameter is updated so: a matrix whose shorter side is at least MUON_LEAST_SIDE. A convolution's
 * is [window and input channels, output channels]. */
enum { MUON_LEAST_SIDE = 16 };
bool muon_takes(const ParamInfo *p);

/* b of the formula for every parameter, as published. */
#define MUON_MOMENTUM 0.95f

/* g is grad_scale times the gradient. */
typedef struct {
    float lr, momentum, decay, grad_scale;
} MuonStep;

/* Of muon_update; it grows with parallel_threads(). */
size_t muon_scratch_floats(const ParamTable *table);

/* One update of the parameters that muon_takes, each by one thread: weights w by gradients g with momentum m,
 * blocks of the table's layout. A momentum of nothing but zeros leaves its weights as they are. Only those that begin
 * at place[0] .. place[1]-1 of a block are updated; NULL: all. */
void muon_update(const ParamTable *table, const size_t *place, float *w, float *m, const float *g,
                 const MuonStep *step, float *scratch);
/* About what an update of such a parameter costs: of sides m >= n, 10 n (2 m n + n^2). */
double muon_flop(const ParamInfo *p);

#endif
