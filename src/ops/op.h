/* The row of an operation: its passes and what the network must know to plan and run them. Each file
 * of src/ops ends with the rows of its operations; the passes are described in ops.h. */
#ifndef DIFFC_OP_H
#define DIFFC_OP_H

#include <stdbool.h>
#include <stddef.h>

enum { OP_INPUTS = 3 };

/* The arguments of one pass of one node. Values that the row does not list for the pass are NULL,
 * so that a wrong row crashes in the first test instead of reading a buffer that was reused. */
typedef struct {
    const void *dims;    /* the struct of the operation; its first member is int N */
    const float *w, *b;  /* parameters, or NULL */
    const float *packed; /* w in the form that the pass's products read, or NULL */
    float *saved, *scratch;
    /* forward */
    const float *x[OP_INPUTS];
    float *y;
    double *sums;             /* conv2d_fast: [N,2,K] to fill, or NULL */
    const double *sums_in[2]; /* groupnorm: the sums of its sources, or NULL */
    int channels_a;           /* groupnorm, linear: channels of the first of two sources */
    /* backward */
    const float *dy;
    float *dx[OP_INPUTS], *dw, *db; /* NULL: not wanted */
    unsigned set;                   /* bit k: dx[k] (mx[k]) is overwritten */
    /* tangent */
    const float *xdot[OP_INPUTS];
    float *ydot;
    /* backward2: dy is the cotangent of ydot */
    const float *my;
    float *mx[OP_INPUTS];
} OpCall;

/* Masks have bit k for input k. */
typedef struct {
    const char *name,
        *variant; /* variant: which kernels, where an operation has two rows; or NULL */
    size_t dims_bytes;
    void (*forward)(const OpCall *c);
    void (*backward)(const OpCall *c);
    /* Linear in its inputs and without parameters: tangent is forward of xdot, backward2 is
     * backward of my, and both may be NULL here. An operation with a constant term has its own
     * tangent. */
    bool linear;
    void (*tangent)(const OpCall *c);
    void (*backward2)(const OpCall *c);
    size_t (*scratch_floats)(const void *dims, int threads); /* NULL: none */
    size_t (*saved_floats)(const void *dims);                /* NULL: none */
    bool saved_for_later;             /* forward takes saved = NULL when no other pass follows */
    double (*flop)(const void *dims); /* of one image, one pass forward; NULL: not counted */
    /* w in the form that the products read, made once for many passes; NULL: none. `back`: for the
     * backward passes, where packs_back is set. */
    size_t (*packed_floats)(const void *dims);
    void (*pack)(const void *dims, float *packed, const float *w, bool back);
    bool packs_back;
    unsigned backward_values, tangent_values, second_values; /* inputs whose x each pass reads */
    unsigned tangent_may_be_null; /* inputs whose zero tangent is taken as NULL */
    unsigned second_tangents;     /* inputs whose xdot backward2 reads */
    bool second_lambda;           /* backward2 reads dy */
    unsigned overwrites; /* inputs whose cotangent the passes back overwrite when told to */
    unsigned passes_on;  /* inputs whose cotangent is dy, unchanged */
} Op;

enum { OP_X0 = 1, OP_X1 = 2, OP_X2 = 4 };

extern const Op op_conv2d, op_conv2d_fast, op_linear, op_groupnorm, op_silu, op_attention,
    op_upsample, op_tapmeans, op_cumsum, op_concat, op_add, op_shift, op_modulate, op_scale,
    op_affine, op_divide, op_time_features, op_class_embed, op_input_fourier, op_dropout;

#endif
