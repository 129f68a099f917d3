/* Restoring: images of which y = A x0 + noise is known (linear_operator.h), the rest drawn from the model. A run of
 * any sampler restores when it has a Restore, in one of two ways.
 *
 * GRADIENT, pseudo-inverse guidance (Song et al. 2023, eq. 7 to 9): the denoiser gets the score of what is known,
 *   grad_x ln p(x, y) = grad_x ln p(x) + J^T A^T (r^2 A A^T + s^2 I)^-1 (y - A x0_hat)
 * where x0_hat = (x - sigma eps) / alpha, J = d x0_hat / d x by the denoiser's predict_vjp, s is the noise of y and
 * p(x0 | x) is taken to be N(x0_hat, r^2 I). r^2 = d^2 sigma^2 / (alpha^2 d^2 + sigma^2) is exact for data
 * N(m, d^2 I); the paper's r^2 is that of d = 1. Then every sampler draws from p(x0 | y). For other data it is an
 * approximation: tests/diffusion/test_restored_moments.c states how far off correlated Gaussians are. (The paper's algorithm
 * adds its gradient once a step with a weight of its own; here it is part of the score, whatever the steps.)
 *
 * REPLACE (Song et al. 2021, appendix I.2 and I.3): before each prediction what is known of x is drawn anew from
 * p(A x | y) = N(alpha y, sigma^2 A A^T - alpha^2 s^2 I), where that is a covariance, and left alone at cleaner
 * levels. The rest follows only through the denoiser, so what is drawn fits together less well.
 *
 * Both end with what is known exactly as it is, x + A^+ (y - A x), where y has no noise. */
#ifndef DIFFC_RESTORE_H
#define DIFFC_RESTORE_H

#include <stdint.h>

#include "diffusion/denoiser.h"
#include "diffusion/linear_operator.h"

typedef enum { RESTORE_GRADIENT, RESTORE_REPLACE } RestoreWay;
extern const char *const restore_words[];

typedef struct Restore {
    LinearOperator a;
    const double *y; /* [operator_known], the caller's */
    double noise;    /* s, the standard deviation of y's noise; 0: none */
    RestoreWay way;
    double spread; /* d, above 0 */
    double
        range; /* GRADIENT: corrected images are kept within +-range, as the approximation may leave it by far; 0: they are not */
    double *
        missed; /* [count] out: |y - A x|^2 of each image of a run before its end; the caller's; NULL: not asked for */
    const Denoiser *denoiser; /* of the run; what follows is set for its time by restore_begin */
    size_t dims, known;
    double *u, *jtu, *rest; /* [count, dims], [count, dims], [count, known] */
} Restore;

/* Before a run of up to `count` images by the sampler `name`: *guided is the denoiser that it uses. solves: the
 * sampler asks for images each at a level of its own, and cannot restore by REPLACE. ERR_USAGE where the way cannot
 * be gone, ERR_MEMORY. restore_end also after a failure of the run. */
bool restore_begin(Restore *r, const char *name, bool solves, const Denoiser *denoiser, int count,
                   Denoiser *guided, Err *err);
void restore_end(Restore *r);

/* z[count, dims], standard normal, becomes scratch; x[count, dims] at a level, of REPLACE. */
void restore_replace(const Restore *r, int count, NoiseLevel level, double *z, double *x);
/* The end of a run. */
void restore_keep_known(Restore *r, int count, double *x);

#endif
