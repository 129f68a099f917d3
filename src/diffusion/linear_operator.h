/* Linear operators A that make of an image x what is known of it, y = A x: some of its pixels, the mean of its
 * colours, the means of its blocks, or all of it. A table: a row has A and its transpose. The rows of each A are
 * orthogonal, A A^T = diag(g), so the pseudo-inverse follows:
 *   A^+ = A^T diag(1 / g),   A A^+ = I
 * and A^+ A keeps what is known of an image and sets the rest to 0. */
#ifndef DIFFC_LINEAR_OPERATOR_H
#define DIFFC_LINEAR_OPERATOR_H

#include <stddef.h>

typedef enum {
    OPERATOR_IDENTITY,    /* y = x */
    OPERATOR_MASK,        /* y [kept pixels, C]: the kept pixels, row by row */
    OPERATOR_COLOUR_MEAN, /* y [H, W, 1 or 2]: the mean of the colours of each pixel, then its alpha */
    OPERATOR_BLOCK_MEAN, /* y [H / block, W / block, C]: the means of square blocks */
    OPERATOR_KINDS
} OperatorKind;

typedef struct {
    OperatorKind kind;
    int height, width, channels; /* of x [H, W, C] */
    int colours; /* of COLOUR_MEAN: the first channels, 1 .. C; C - colours is 0 or 1 */
    const unsigned char *kept; /* of MASK: [H, W], not 0 where the pixel is known; the caller's */
    int block;                 /* of BLOCK_MEAN: the side, which divides H and W */
} LinearOperator;

/* Values of y, and of x: H W C. */
size_t operator_known(const LinearOperator *a);
size_t operator_dims(const LinearOperator *a);
/* y = A x. */
void operator_apply(const LinearOperator *a, const double *x, double *y);
/* x = A^T y; all of x is written. */
void operator_transpose(const LinearOperator *a, const double *y, double *x);
/* g of value i of y: the squared length of row i of A. */
double operator_gram(const LinearOperator *a, size_t i);
/* x = A^+ y; y becomes y / g. */
void operator_pseudo_inverse(const LinearOperator *a, double *y, double *x);

#endif
