/* Shared by the files of src/net: nodes and the plan. */
#ifndef DIFFC_NET_INTERNAL_H
#define DIFFC_NET_INTERNAL_H

#include "net/net.h"
#include "ops/op.h"

/* Node k of training step s draws its dropout mask from stream s * NODE_LIMIT + k. */
enum { MAX_PARAMS = 2, NODE_LIMIT = 4096 };

/* The row of nodes that the caller fills, and all other rows; NULL ends them. */
extern const Op op_input;
extern const Op *const net_ops[];

/* A stretch of floats in the net's block; NOWHERE when the plan needs none. */
#define NOWHERE ((size_t)-1)

typedef enum {
    TANGENT_NONE,  /* zero, and nobody needs to see it */
    TANGENT_ZERO,  /* zero, and an operation reads it */
    TANGENT_MOVES, /* depends on an input that wants a gradient */
} TangentKind;

typedef struct {
    const Op *op;
    void *dims; /* of op; the node owns it */
    int inputs;
    int in[OP_INPUTS];
    int params;
    int param[MAX_PARAMS]; /* weight, bias: indexes in the table */
    Shape shape;           /* of the output */
    bool wants_gradient;   /* inputs */
    /* Those of op, and the operands that rewrite.c joined to a fast convolution. */
    unsigned overwrites, passes_on;
    /* groupnorm: the convolutions whose sums make its statistics (two where it reads their concat);
     * sums_from[0] < 0: it makes them itself. */
    int sums_from[2];
    int gives_sums; /* conv2d_fast: how many groupnorms read its sums */
    /* linear, in a network rewritten for inference (rewrite.c): the layer whose weights are
     * multiplied into those of this one, or -1; and whether its own weights went into another
     * layer. */
    int merged_with;
    bool merged_away;
    /* groupnorm, linear: the concat whose two halves this node reads directly after the rewrite for
     * inference; or -1. */
    int joins;

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
    /* Offsets in the block of packed weights; packed_bias is that of a merged layer. */
    size_t packed, packed_back, packed_bias;
    double seconds[NET_PASSES]; /* profile */
} Node;

struct Net {
    ParamTable *table;
    int batch;
    Node *nodes;
    int count;
    size_t room;
    int output;
    bool plain;      /* net_plain_convolutions */
    bool no_memory;  /* sticky: declaring ran out of memory; net_plan reports it */
    bool infer_form; /* the nodes stand as rewrite_infer_apply leaves them */

    /* The plan: */
    bool planned;
    NetMode mode;
    float *block;
    size_t block_floats;
    float *packed;         /* weights as the fast kernels read them */
    size_t merged_scratch; /* in that block */
    const float *held;     /* the weights that it was made from; NULL: not held */
    const Net *shares;     /* the net whose packed weights these are; NULL: its own */
    size_t scratch;
    size_t rooms, room_step; /* of the threads */
    int threads;             /* scratch sizes hold for this many */

    /* The run: */
    enum { STAGE_NONE, STAGE_FORWARD, STAGE_BACKWARD, STAGE_TANGENT } stage;
    bool backward_done; /* since the last forward */
    bool profiled;
    int products[NET_PASSES]; /* profile: products of a convolution's size that each pass made */
    double pack_seconds[2];   /* profile: making packed weights, forward and backward */
};

/* The only reader of a node that is not the output; -1 when there is no such reader. */
int net_only_reader(const Net *net, int node);

/* rewrite.c: joins neighbours of fast convolutions to them and finds what can be rewritten for inference,
 * once, when the declaration ends; rewrites the nodes for inference, or undoes that. */
void rewrite_find(Net *net);
void rewrite_infer_apply(Net *net, bool infer);
/* The weights and bias of a linear layer with merged_with >= 0, from the parameters. */
size_t merged_scratch_floats(const Node *node);
void merged_pack(const Net *net, const Node *node, float *packed, float *b, const float *weights,
                 float *scratch);

/* packed_weights.c: weights in the form that kernels read. packed_open is part of net_plan;
 * packed_update runs first in every pass that reads `weights`. */
bool packed_open(Net *net, Err *err);
void packed_update(Net *net, const float *weights, bool backward);

/* Number of floats of a node's output. */
size_t node_floats(const Net *net, const Node *node);

#endif
