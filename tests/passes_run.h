/* The passes of an operation, run once with guarded memory. Part of passes.h. */
#ifndef DIFFC_TESTS_PASSES_RUN_H
#define DIFFC_TESTS_PASSES_RUN_H

#include "base/parallel.h"
#include "guarded.h"
#include "ops/op.h"
#include "test.h"

/* Inputs of the row, then weights and bias. */
enum { WEIGHTS = OP_INPUTS, BIAS, TENSORS };

typedef struct PassCase PassCase;
struct PassCase {
    const Op *op;
    const void *dims;    /* of the row; N is taken from below */
    int N;               /* images */
    int inputs, active;  /* the first `active` inputs have derivatives */
    size_t per[TENSORS]; /* floats of an input for an image; of a parameter in all (0: none) */
    size_t out;          /* floats of y for an image */
    bool frozen;         /* the parameters have no gradient */
    bool by_index;       /* an image's result depends on its place in the batch (dropout) */
    bool without_saved;  /* the passes are given no place for saved values */
    bool packed;         /* the passes are given packed weights */
    float offset, scale; /* of the random values of input 0; scale 0: 1 */
    void (*prepare)(const PassCase *c, float **x); /* after a fill with N(0,1); may be NULL */
    void (*formula)(const PassCase *c, double *y, double **x); /* y is zero at first */
};

/* One set of inputs and outputs. */
typedef struct {
    float *x[TENSORS], *xdot[OP_INPUTS];         /* in */
    float *dy, *my;                              /* in; dy is also the ly of backward2 */
    float *y, *ydot, *dx[TENSORS], *mx[TENSORS]; /* out */
} Passes;

static bool is_parameter(int tensor)
{
    return tensor >= WEIGHTS;
}

static size_t tensor_floats(const PassCase *c, int tensor)
{
    return is_parameter(tensor) ? c->per[tensor] : (size_t)c->N * c->per[tensor];
}

static bool has_tensor(const PassCase *c, int tensor)
{
    return is_parameter(tensor) ? c->per[tensor] > 0 : tensor < c->inputs;
}

static bool has_gradient(const PassCase *c, int tensor)
{
    return has_tensor(c, tensor) && (is_parameter(tensor) ? !c->frozen : tensor < c->active);
}

static size_t output_floats(const PassCase *c)
{
    return (size_t)c->N * c->out;
}

static void passes_fill(const PassCase *c, Passes *s)
{
    for (int j = 0; j < TENSORS; j++) {
        if (!has_tensor(c, j)) continue;
        size_t n = tensor_floats(c, j);
        s->x[j] = check_random(n, 10 + (unsigned)j, j == 0 && c->scale != 0 ? c->scale : 1);
        for (size_t i = 0; j == 0 && i < n; i++) s->x[0][i] += c->offset;
        if (j < c->active) s->xdot[j] = check_random(n, 20 + (unsigned)j, 1);
    }
    s->dy = check_random(output_floats(c), 30, 1);
    s->my = check_random(output_floats(c), 31, 1);
    if (c->prepare) c->prepare(c, s->x);
}

/* ---- running a row */

typedef struct {
    OpCall call;
    float *forward, *back; /* packed weights */
} Running;

static float *packed_new(const PassCase *c, const void *dims, const float *w, bool back)
{
    size_t floats = c->packed && c->op->packed_floats ? c->op->packed_floats(dims) : 0;
    if (!floats || (back && !c->op->packs_back)) return NULL;
    float *packed = check_aligned(floats);
    c->op->pack(dims, packed, w, back);
    return packed;
}

static Running passes_begin(const PassCase *c, const Passes *s)
{
    Running r = {.call = {.w = s->x[WEIGHTS], .b = s->x[BIAS]}};
    int *dims = calloc(1, c->op->dims_bytes);
    if (!dims) abort();
    memcpy(dims, c->dims, c->op->dims_bytes);
    dims[0] = c->N;
    r.call.dims = dims;
    size_t scratch = c->op->scratch_floats ? c->op->scratch_floats(dims, parallel_threads()) : 0;
    size_t saved = c->op->saved_floats && !c->without_saved ? c->op->saved_floats(dims) : 0;
    r.call.scratch = scratch ? check_aligned(scratch) : NULL;
    r.call.saved = saved ? check_scratch(saved) : NULL;
    r.forward = packed_new(c, dims, s->x[WEIGHTS], false);
    r.back = packed_new(c, dims, s->x[WEIGHTS], true);
    for (int j = 0; j < c->inputs; j++) r.call.x[j] = s->x[j];
    return r;
}

static void passes_end(Running *r)
{
    check_free(r->call.saved);
    free(r->call.scratch);
    free(r->forward);
    free(r->back);
    free((void *)(size_t)r->call.dims);
}

static void pass_forward(const PassCase *c, Running *r, float *y)
{
    OpCall call = r->call;
    call.packed = r->forward;
    call.y = y;
    c->op->forward(&call);
}

/* Takes the inputs away that a pass must not read. */
static void read_only(OpCall *call, unsigned reads)
{
    for (int j = 0; j < OP_INPUTS; j++)
        if (!(reads >> j & 1)) call->x[j] = NULL;
}

static void pass_tangent(const PassCase *c, Running *r, float *ydot, float *const *xdot)
{
    OpCall call = r->call;
    call.packed = r->forward;
    if (c->active == 0) {
        memset(ydot, 0, output_floats(c) * sizeof *ydot);
    } else if (c->op->tangent) {
        for (int j = 0; j < c->active; j++) call.xdot[j] = xdot[j];
        read_only(&call, c->op->reads);
        call.ydot = ydot;
        c->op->tangent(&call);
    } else {
        for (int j = 0; j < c->active; j++) call.x[j] = xdot[j];
        call.b = NULL;
        call.y = ydot;
        c->op->forward(&call);
    }
}

static void pass_backward(const PassCase *c, Running *r, const Passes *s, bool second, unsigned set)
{
    OpCall call = r->call;
    float *const *dx = second ? s->mx : s->dx;
    read_only(&call, c->op->reads);
    call.packed = r->back;
    call.set = set & c->op->overwrites;
    call.dw = dx[WEIGHTS];
    call.db = dx[BIAS];
    call.dy = second ? s->my : s->dy;
    for (int j = 0; j < c->active; j++) call.dx[j] = dx[j];
    if (second && c->op->backward2) {
        for (int j = 0; j < c->active; j++) call.xdot[j] = s->xdot[j];
        call.ly = s->dy;
        c->op->backward2(&call);
    } else {
        c->op->backward(&call);
    }
}

/* Runs all passes into fresh outputs of `s`; overwritten ones start as NaN. A gradient dx[j], mx[j] is
 * wanted where bit j of `wanted` is set, and overwritten where bit j of `set` is. */
static void passes_run(const PassCase *c, Passes *s, unsigned wanted, unsigned set)
{
    s->y = check_scratch(output_floats(c));
    s->ydot = check_scratch(output_floats(c));
    for (int j = 0; j < TENSORS; j++) {
        size_t n = tensor_floats(c, j);
        bool want = has_gradient(c, j) && (wanted >> j & 1);
        bool fill = set & c->op->overwrites & 1u << j;
        s->dx[j] = !want ? NULL : fill ? check_scratch(n) : check_alloc(n);
        s->mx[j] = !want ? NULL : fill ? check_scratch(n) : check_alloc(n);
    }
    Running r = passes_begin(c, s);
    pass_forward(c, &r, s->y);
    pass_backward(c, &r, s, false, set);
    pass_tangent(c, &r, s->ydot, s->xdot);
    pass_backward(c, &r, s, true, set);
    passes_end(&r);
}

static void passes_free_outputs(Passes *s)
{
    check_free(s->y);
    check_free(s->ydot);
    for (int j = 0; j < TENSORS; j++) {
        check_free(s->dx[j]);
        check_free(s->mx[j]);
    }
}

static void passes_free(Passes *s)
{
    passes_free_outputs(s);
    for (int j = 0; j < TENSORS; j++) check_free(s->x[j]);
    for (int j = 0; j < OP_INPUTS; j++) check_free(s->xdot[j]);
    check_free(s->dy);
    check_free(s->my);
}

/* Same bits in every output that both sets have. */
static bool passes_same(const PassCase *c, const Passes *a, const Passes *b)
{
    size_t n = output_floats(c) * sizeof(float);
    bool ok = EXPECT_SAME(a->y, b->y, n);
    ok &= EXPECT_SAME(a->ydot, b->ydot, n);
    for (int j = 0; j < TENSORS; j++) {
        size_t bytes = tensor_floats(c, j) * sizeof(float);
        if (a->dx[j] && b->dx[j]) ok &= EXPECT_SAME(a->dx[j], b->dx[j], bytes);
        if (a->mx[j] && b->mx[j]) ok &= EXPECT_SAME(a->mx[j], b->mx[j], bytes);
    }
    return ok;
}

#endif
