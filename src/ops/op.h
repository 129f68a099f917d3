/* The row of an operation: its passes and what the network must know to plan and run them. The files
 * of src/ops hold the rows beside their passes; ops.h has the formulas and the dims.
 *
 *   forward    y from x
 *   backward   cotangents: dx, dw, ... += J^T dy
 *   tangent    directional derivative for fixed parameters: ydot = J xdot
 *   backward2  backward of the tangent pass, for exact second-order gradients. The tangent pass
 *              maps (x, xdot) to (y, ydot). Given the cotangents dy of y and ly of ydot it adds the
 *              cotangent of x to dx and the parameters' gradients to dw, db. (The cotangent of xdot
 *              equals backward's dx from dy = ly; it is not made again.)
 *
 * One function may be both backward and backward2: in backward ly and xdot are NULL. So are y in a tangent and
 * ydot in forward.
 *
 * A row without a tangent is linear in x: its tangent is forward of xdot, without the bias. A row
 * without backward2 has an x-independent derivative: its backward2 is backward.
 *
 * Rules. Layout is NHWC, float32, dense. forward and tangent OVERWRITE their outputs; backward and
 * backward2 ADD to theirs, each of which may be NULL (not wanted). No output may alias an input
 * unless said. Passes allocate nothing, print nothing, keep no state and cannot fail. Parallel by
 * OpenMP over images and fixed tiles of an image; same bits for any number of threads; forward and
 * tangent give an image the same bits whatever batch it is in. */
#ifndef DIFFC_OP_H
#define DIFFC_OP_H

#include <stdbool.h>
#include <stddef.h>

enum { OP_INPUTS = 3 };

/* The arguments of one pass of one node. Values that the pass does not read are NULL, so that a
 * wrong row crashes in the first test instead of reading a buffer that was reused. */
typedef struct {
    const void *dims;    /* the struct of the operation; its first member is int N */
    const float *w, *b;  /* parameters; b may be NULL (zero) */
    const float *packed; /* w in the form that the pass's products read; NULL: made in the pass */
    float *saved;        /* [saved_floats], written by forward for the other passes */
    float *scratch;      /* [scratch_floats], contents free */
    float *rooms; /* thread i's begins at i room_step, [room_floats]; NULL: scratch is enough */
    size_t room_step;
    const float *x[OP_INPUTS];
    float *y;
    double *sums;             /* conv2d_fast, forward: [N,2,K] to fill, or NULL */
    const double *sums_in[2]; /* groupnorm, forward: the sums of its sources, or NULL */
    int channels_a; /* groupnorm, linear, forward: channels of x[0] where x[1] has the rest */
    const float *xdot[OP_INPUTS];
    float *ydot;
    const float *dy, *ly;
    float *dx[OP_INPUTS], *dw, *db; /* NULL: not wanted */
    unsigned set; /* bit k: dx[k] is overwritten (a NaN there is as good as a zero) */
} OpCall;

/* Masks have bit k for input k. */
typedef struct {
    const char *name,
        *variant; /* variant: which kernels, where an operation has two rows; or NULL */
    size_t dims_bytes;
    void (*forward)(const OpCall *c);
    void (*backward)(const OpCall *c);
    void (*tangent)(const OpCall *c);                        /* NULL: forward of xdot */
    void (*backward2)(const OpCall *c);                      /* NULL: backward */
    size_t (*scratch_floats)(const void *dims, int threads); /* NULL: none */
    size_t (*saved_floats)(const void *dims);                /* NULL: none */
    /* What one thread works in. Its place is the same for all operations, so that it stays in the cache of that
     * thread's core: in the scratch it would be where another thread was in the operation before. NULL: none. */
    size_t (*room_floats)(const void *dims);
    bool saved_for_later; /* forward takes saved = NULL when no other pass follows */
    bool in_place;        /* in forward y may be x[0], where no other pass follows */
    bool (*is_identity)(const void *dims); /* y is x: no forward in place; NULL: never */
    double (*flop)(const void *dims);      /* of one image, one pass forward; NULL: not counted */
    double (*flop_done)(const void *dims); /* by kernels that need fewer; NULL: as many */
    /* w in the form that the products read, made once for many passes; NULL or 0 floats: none.
     * `back`: for the backward passes, where packs_back is set. The bits equal those without it. */
    size_t (*packed_floats)(const void *dims);
    void (*pack)(const void *dims, float *packed, const float *w, bool back);
    bool packs_back;
    /* Inputs whose x backward reads, and the tangent where the row has one; of which backward2,
     * where the row has one, reads x and xdot. */
    unsigned reads;
    unsigned tangent_may_be_null; /* inputs whose zero tangent is taken as NULL */
    unsigned overwrites; /* inputs whose cotangent the passes back overwrite when told to */
    unsigned passes_on;  /* inputs whose cotangent is dy, unchanged */
} Op;

enum { OP_X0 = 1, OP_X1 = 2, OP_X2 = 4 };

extern const Op op_conv2d, op_conv2d_fast, op_linear, op_groupnorm, op_silu, op_relu, op_attention,
    op_maxpool, op_meanpool, op_upsample, op_tapmeans, op_cumsum, op_concat, op_add, op_shift,
    op_modulate, op_affine, op_divide, op_time_features, op_class_embed, op_input_fourier,
    op_dropout;

#endif
