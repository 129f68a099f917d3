/* What net.c, adapters.c, plan.c and run.c share: nodes, the operation table, the plan. */
#ifndef DIFFC_NET_INTERNAL_H
#define DIFFC_NET_INTERNAL_H

#include "diffc/net.h"

/* Node k of training step s draws its dropout mask from stream s * NODE_LIMIT + k. */
enum { MAX_INPUTS = 3, MAX_PARAMS = 2, NODE_LIMIT = 4096 };

typedef enum {
    OP_INPUT,
    OP_CONV2D,
    OP_LINEAR,
    OP_GROUPNORM,
    OP_SILU,
    OP_ATTENTION,
    OP_UPSAMPLE,
    OP_TAPMEANS,
    OP_CUMSUM,
    OP_CONCAT,
    OP_ADD,
    OP_SHIFT,
    OP_MODULATE,
    OP_SCALE,
    OP_AFFINE,
    OP_DIVIDE,
    OP_TIME_FEATURES,
    OP_CLASS_EMBED,
    OP_WAVES,
    OP_DROPOUT,
    OP_KINDS
} OpKind;

/* A stretch of floats in the net's block; NOWHERE when the plan needs none. */
#define NOWHERE ((size_t)-1)

typedef enum {
    TANGENT_NONE,  /* zero, and nobody needs to see it */
    TANGENT_ZERO,  /* zero, and an operation reads it */
    TANGENT_MOVES, /* depends on an input that wants a gradient */
} TangentKind;

typedef struct {
    OpKind kind;
    int inputs;
    int in[MAX_INPUTS];
    int params;
    int param[MAX_PARAMS]; /* weight, bias: indexes in the table */
    Shape shape;           /* of the output */
    float factor, offset;  /* scale, affine */
    bool wants_gradient;   /* inputs */
    /* groupnorm: the convolutions whose sums make its statistics (two where it reads their concat);
     * sums_from[0] < 0: it makes them itself. */
    int sums_from[2];
    /* linear, in a folded net: the layer whose weights are multiplied into this one's, or -1; and
     * whether that has happened to its own (fold.c). */
    int fold;
    bool folds_away;
    /* groupnorm, linear: the concat that it reads, of which in a folded net it reads the halves; or
     * -1. */
    int joins;
    bool fast; /* conv2d: by the kernels of winograd.h */
    /* What fuse.c joined to a fast conv2d: */
    bool upsampled;            /* in[0] is seen through nearest upsampling */
    int gives_sums;            /* for groupnorms: how many read them */
    int shift_in, residual_in; /* which inputs are added to every pixel, and elementwise; 0: none */
    union {
        Conv2dDims conv;
        LinearDims linear;
        GroupNormDims norm;
        PointDims point;
        AttentionDims attention;
        ResampleDims resample;
        CumsumDims cumsum;
        ConcatDims concat;
        ShiftDims shift;
        TimeDims time;
        ClassDims classes;
        WaveDims waves;
        DropoutDims dropout;
    } dims;

    /* Found by plan.c: */
    bool used;        /* the output depends on it */
    bool leads_param; /* it depends on a trainable parameter */
    bool leads_input; /* it depends on an input that wants a gradient */
    TangentKind tangent_kind;
    bool in_place; /* its value lies where that of its input lay */
    /* The consumer with the highest index: it reaches this node's cotangent first, going back. */
    int last_consumer;
    /* That consumer, when its own cotangent becomes this node's where it lies (a sum passes its
     * cotangent on unchanged, and nobody reads it after); else -1. */
    int gradient_from;
    /* Offsets in floats. */
    size_t value, saved, gradient, tangent, gradient2, sums;
    /* In the block of prepared weights; the bias of a layer with its fold. */
    size_t prepared, prepared_back, prepared_bias;
    double seconds[NET_PASSES]; /* profile */
} Node;

struct Net {
    ParamTable *table;
    int batch;
    Node *nodes;
    int count, room;
    int output;
    bool plain;     /* net_plain_convolutions */
    bool no_memory; /* sticky: declaring ran out of memory; net_plan reports it */
    bool folded;    /* the nodes stand as net_fold leaves them */

    /* The plan: */
    bool planned;
    NetMode mode;
    float *block;
    size_t block_floats;
    float *prepared;     /* weights as the fast kernels read them */
    size_t fold_scratch; /* in that block */
    const float *held;   /* the weights that it was made from; NULL: not held */
    const Net *shares;   /* whose `prepared` it is; NULL: its own */
    size_t scratch;
    int threads; /* scratch sizes hold for this many */

    /* The run: */
    enum { STAGE_NONE, STAGE_FORWARD, STAGE_BACKWARD, STAGE_TANGENT } stage;
    bool backward_done; /* since the last forward */
    bool profiled;
    int products[NET_PASSES];  /* profile: products of a convolution's size that each pass made */
    double prepare_seconds[2]; /* profile: making prepared weights, forward and backward */
    bool training;
    uint64_t dropout_seed, dropout_step;
};

/* Everything one pass of one node may touch. Values that the table below does not list for the
 * pass are NULL, so that a wrong list crashes in the first test instead of reading a buffer that
 * was given away. */
typedef struct {
    const Node *node;
    const float *w, *b; /* parameters */
    const float *u;     /* w prepared for the pass, where it is */
    float *dw, *db;     /* their gradients; NULL: not wanted */
    float *saved, *scratch;
    double *sums;             /* convolution: [N,2,K] to fill, or NULL */
    const double *sums_in[2]; /* groupnorm: those of its sources, or NULL */
    int channels_a;           /* forward of groupnorm and linear: of the first of two sources */
    float *y;
    const float *x[MAX_INPUTS];
    const float *dy; /* backward; in backward2 the lambda of this node */
    float *dx[MAX_INPUTS];
    unsigned first; /* bit k: dx[k] (mx[k]) holds nothing yet and is to be overwritten */
    float *ydot;
    const float *xdot[MAX_INPUTS];
    const float *my;
    float *mx[MAX_INPUTS];
    DropoutDims dropout;
} Call;

/* One operation: its passes and what each reads besides parameters and its own cotangent. Masks
 * have bit k for input k. */
typedef struct {
    const char *name;
    void (*forward)(const Call *c);
    void (*backward)(const Call *c);
    void (*tangent)(const Call *c);
    void (*backward2)(const Call *c);
    size_t (*scratch_floats)(const Node *node); /* NULL: none */
    size_t (*saved_floats)(const Node *node);   /* NULL: none */
    bool saved_for_later; /* forward can do without a place for them, where no pass follows */
    double (*flop)(const Node *node); /* of one image; NULL: not counted */
    unsigned backward_values, tangent_values, second_values;
    unsigned tangent_may_be_null; /* inputs whose zero tangent the op takes as NULL */
    unsigned second_tangents;     /* inputs whose tangent backward2 reads */
    bool second_lambda;           /* backward2 reads lambda */
} NetOp;

extern const NetOp net_ops[OP_KINDS];

/* Whether the node's backward passes can overwrite the cotangent of input k instead of adding. */
bool node_overwrites(const Node *node, int k);
/* Whether that cotangent is the node's own, unchanged. */
bool node_passes_on(const Node *node, int k);

/* Joins neighbours of fast convolutions to them; called once, when the declaration ends. */
void net_fuse(Net *net);

/* The only reader of a node that is not the output; -1 when there is no such reader. */
int net_only_reader(const Net *net, int node);
void net_redirect_readers(Net *net, int from, int to);

/* fold.c: finds what can be folded, at the end of the declaration; folds it, or undoes that. */
void net_find_folds(Net *net);
void net_fold(Net *net, bool folded);
/* The weights and bias of a linear layer with fold >= 0, from the parameters. */
size_t fold_scratch_floats(const Node *node);
void fold_prepare(const Net *net, const Node *node, float *packed, float *b, const float *weights,
                  float *scratch);

/* prepared.c: weights in the form that kernels read. Allocation (part of net_plan), and what a
 * pass that reads `weights` does first. */
bool prepared_open(Net *net, Err *err);
void prepared_update(Net *net, const float *weights, bool backward);

/* Number of floats of a node's output. */
size_t node_floats(const Net *net, const Node *node);

/* Adds a parameter to the table or finds it there; `wanted` gives everything but offset and count.
 * A sealed table knows every name. -1 when memory is short. */
int params_declare(ParamTable *table, const ParamInfo *wanted);

#endif
